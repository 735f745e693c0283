//! The time of looking for seasons in a week of five minutes: in noise, in days, and in days with a
//! cycle of 45 minutes. Figures, with machine and date: `README.md` here.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forescale::Duration;
use forescale::series::{SeasonFinder, SeasonSettings};

fn look(criterion: &mut Criterion) {
    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as f64 / (1_u64 << 31) as f64 - 0.5
    };
    let mut finder = SeasonFinder::new(SeasonSettings::default()).expect("the defaults");
    for (name, daily, fast, n_seasons) in
        [("none", 0.0, 0.0, 0), ("day", 5.0, 0.0, 1), ("day_and_45m", 5.0, 3.0, 2)]
    {
        let mut wander = 0.0;
        let load = |at: usize| {
            wander = 0.9 * wander + noise();
            let day = (at as f64 / 288.0 * std::f64::consts::TAU).sin();
            20.0 + daily * day + if at % 9 < 3 { fast } else { 0.0 } + wander
        };
        let values: Vec<f64> = (0..2016).map(load).collect();
        let step = Duration::from_secs(300);
        assert_eq!(finder.find(&values, step).len(), n_seasons, "{name}");
        criterion.bench_function(&format!("seasons/2016/{name}"), |bencher| {
            bencher.iter(|| finder.find(black_box(&values), step).len());
        });
    }
}

criterion_group!(benches, look);
criterion_main!(benches);
