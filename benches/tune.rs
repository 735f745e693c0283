//! The time of a search: a month at one-minute steps, decided every 15 seconds, 256 settings, on one
//! core where `RAYON_NUM_THREADS=1` is set. A search takes too long for many samples, so each is timed
//! once. Figures, with machine and date: `README.md` here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use forescale::Config;
use forescale::sim::{Settings, web_service};
use forescale::tune::{Options, to_the_end, tune};

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // listed or run as a test
    }
    let trace = web_service(30, 7);
    let peak = trace.values.iter().copied().fold(0.0, f64::max);
    let load_per_replica = peak / 21.0;
    for (name, policies) in [
        ("hpa", r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#),
        ("risk", r#"{"kind": "predictive", "metric": "rps", "risk": 0.01}"#),
        (
            "quantile",
            r#"{"kind": "predictive", "metric": "rps"}, {"kind": "target", "metric": "cpu", "target": 0.7}"#,
        ),
    ] {
        let text = format!(
            r#"{{"max_replicas": 120,
                "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
                "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {load_per_replica}}},
                "policies": [{policies}]}}"#
        );
        let config = Config::from_text(&text).expect("it is whole");
        #[allow(clippy::disallowed_methods, reason = "how long it takes is told")]
        let (began, n_asked) = (Instant::now(), AtomicU64::new(0));
        let count = |share: f64| {
            n_asked.fetch_add(1, Ordering::Relaxed);
            to_the_end(share)
        };
        let tuning = tune(&config, &trace, &Settings::default(), &Options::default(), &count)
            .expect("a month is enough");
        println!(
            "tune/month/{name}: {:.1} s for {} settings ({} refused), {} pieces of 500 intervals, {}",
            began.elapsed().as_secs_f64(),
            tuning.n_tried,
            tuning.n_refused,
            n_asked.load(Ordering::Relaxed),
            tuning.reason.code(),
        );
    }
}
