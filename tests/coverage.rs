//! How often the truth stays below a quantile that `auto` forecasts, at every origin of public traces.
//!
//! Reads the traces of the folder `FORESCALE_TRACES` (default: `../shared/traces` beside the
//! repository), and says so where there are none. With `--nocapture` the figures are printed.

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the tests are told where traces lie")]

mod traces;

use forescale::forecast::Model;
use forescale::sim::Trace;
use forescale::{Duration, Timestamp};
use traces::traces;

const LEVELS: [f64; 2] = [0.95, 0.99];

/// The loads of each trace that is as fine as the step, as means over it.
fn loads(step: Duration) -> Vec<(String, Vec<f64>)> {
    let step = step.as_millis();
    let fine = traces().into_iter().filter(|trace| step % trace.step.as_millis() == 0);
    let means = |trace: Trace| {
        let n = (step / trace.step.as_millis()) as usize;
        let mean = |chunk: &[f64]| chunk.iter().sum::<f64>() / n as f64;
        (trace.name, trace.values.chunks_exact(n).map(mean).collect())
    };
    fine.map(means).collect()
}

/// The share of truths that are at most the forecast at each level, at each origin of the last two
/// fifths, from up to 28 days of history.
fn covered(loads: &[f64], step: Duration, horizon: usize) -> [f64; 2] {
    let first = loads.len() * 3 / 5;
    let month = (28 * 86_400_000 / step.as_millis()) as usize;
    let begin = first.saturating_sub(month);
    let mut model = Model::new(serde_json::from_str("\"auto\"").unwrap(), step).unwrap();
    let (mut below, mut n_truths) = ([0.0; 2], 0.0);
    for origin in begin..loads.len() - horizon {
        let at = Timestamp::from_secs(0) + step.times(origin as i64);
        model.observe(&[at], &[Some(loads[origin])]).unwrap();
        if origin + 1 < first {
            continue;
        }
        let Ok(forecast) = model.forecast(horizon, &LEVELS).unwrap() else { continue };
        for (row, &truth) in loads[origin + 1..][..horizon].iter().enumerate() {
            n_truths += 1.0;
            for (below, &quantile) in below.iter_mut().zip(forecast.row(row)) {
                *below += f64::from(truth <= quantile + 1e-9);
            }
        }
    }
    assert!(n_truths > 0.0, "it always abstained");
    below.map(|below| below / n_truths)
}

/// Over all traces the mean and the worst at 0.95, and at 0.99.
fn mean_and_worst(step: Duration, horizon: usize) -> Option<[[f64; 2]; 2]> {
    let loads = loads(step);
    let mut all = Vec::new();
    for (name, loads) in &loads {
        let shares = covered(loads, step, horizon);
        println!("{name:32} {:.3} {:.3}", shares[0], shares[1]);
        all.push(shares);
    }
    let of = |level: usize| {
        let shares = || all.iter().map(|shares| shares[level]);
        [shares().sum::<f64>() / all.len() as f64, shares().fold(1.0, f64::min)]
    };
    let told = (!all.is_empty()).then(|| [of(0), of(1)]);
    println!("{horizon} steps of {step:?}, mean and worst: {told:?}");
    told
}

#[test]
fn the_next_hour_stays_below_its_quantiles_as_often_as_they_say() {
    for (step, horizon) in [(300, 12), (60, 30)] {
        let step = Duration::from_secs(step);
        let Some([at_95, at_99]) = mean_and_worst(step, horizon) else { return };
        assert!((0.94..=0.96).contains(&at_95[0]) && at_95[1] >= 0.90, "{at_95:?}");
        assert!((0.985..=0.995).contains(&at_99[0]) && at_99[1] >= 0.97, "{at_99:?}");
    }
}
