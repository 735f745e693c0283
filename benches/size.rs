//! The time of a sample and of a recommendation: one container, and a workload of a thousand.
//! Figures, with machine and date: `README.md` here.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forescale::Timestamp;
use forescale::size::{Sample, Sizer};

/// One sample a minute of each container in turn.
fn size(criterion: &mut Criterion) {
    for n_containers in [1, 1000] {
        let mut sizer = Sizer::from_text("{}").expect("the defaults");
        let mut samples: Vec<_> = (0..n_containers)
            .map(|pod| Sample::default().container(format!("web-{pod}")))
            .collect();
        let mut tick = 0_usize;
        let mut observe = |sizer: &mut Sizer| {
            let (minute, pod) = (tick / n_containers, tick % n_containers);
            tick += 1;
            let sample = &mut samples[pod];
            sample.at = Timestamp::from_secs(1_767_600_000 + 60 * minute as i64);
            let swing = (tick % 997) as f64;
            sample.cpu_millicores = Some(100.0 + swing);
            sample.memory_bytes = Some(2e8 + 3e5 * swing);
            sizer.observe(black_box(sample)).is_none()
        };
        // A week, so that the histograms are filled and the memory's intervals turn.
        for _ in 0..7 * 1440 * n_containers {
            assert!(observe(&mut sizer));
        }
        criterion.bench_function(&format!("size/observe/{n_containers}"), |bencher| {
            bencher.iter(|| observe(&mut sizer));
        });
        let now = sizer.last_sample().expect("there are samples");
        criterion.bench_function(&format!("size/recommend/{n_containers}"), |bencher| {
            bencher.iter(|| black_box(sizer.recommend(black_box(now))));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = size
}
criterion_main!(benches);
