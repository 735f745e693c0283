//! The detector of one series: the time of a sample, alone and in arrays.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use forescale::detect::{DetectorConfig, Model};
use forescale::sim::web_service;
use forescale::{Duration, Timestamp};

/// A week of a web service a minute, of which the first days are known already.
fn samples() -> (Vec<Timestamp>, Vec<Option<f64>>) {
    let trace = web_service(1, 7);
    let times = (0..trace.values.len()).map(|index| trace.start + trace.step.times(index as i64));
    (times.collect(), trace.values.iter().copied().map(Some).collect())
}

fn detect(criterion: &mut Criterion) {
    let (times, values) = samples();
    let (warm, rest) = (3 * 1440, times.len() - 3 * 1440);
    for kind in DetectorConfig::KINDS {
        let settings = DetectorConfig::from_text(kind).expect("a kind alone");
        let mut model = Model::new(settings, Duration::from_secs(60)).expect("defaults");
        model.score_many(&times[..warm], &values[..warm]).expect("times rise");
        let snapshot = model.snapshot().expect("it can be written");
        let fresh = || Model::restore(&snapshot).expect("whole");
        let mut group = criterion.benchmark_group(format!("detect/{kind}"));
        group.throughput(Throughput::Elements(rest as u64));
        group.bench_function("score", |bencher| {
            bencher.iter_batched_ref(
                fresh,
                |model| {
                    for (&at, &value) in times[warm..].iter().zip(&values[warm..]) {
                        black_box(model.score(at, value).expect("times rise"));
                    }
                },
                BatchSize::LargeInput,
            );
        });
        if *kind == "auto" {
            group.bench_function("score_many", |bencher| {
                bencher.iter_batched_ref(
                    fresh,
                    |model| model.score_many(&times[warm..], &values[warm..]).expect("times rise"),
                    BatchSize::LargeInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, detect);
criterion_main!(benches);
