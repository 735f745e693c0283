//! The built-in comparison: what people run today, and what this library adds.
//!
//! What these configurations know of the load they could know live: the capacity of a replica, and
//! the history before the scored part. Of `predictive` nothing is set; its own constants are the same
//! for every load.

use forescale::sim::{Settings, Trace};
use forescale::{Error, Timestamp};

/// Five configurations by name.
pub(crate) fn built_in(trace: &Trace, settings: &Settings) -> Result<Vec<(String, String)>, Error> {
    let load_per_replica = settings.capacity_on(trace)?;
    let most = settings.peak_replicas * 3;
    let head = format!(
        "min_replicas: 2
max_replicas: {most}
lead_time: {lead_time}
metrics:
  {rps}: {{ kind: total }}
  {cpu}: {{ kind: utilization }}
capacity: {{ kind: fixed, metric: {rps}, load_per_replica: {load_per_replica}, target_utilization: 0.9 }}
",
        // The slowest start-up, and what a reading is late by.
        lead_time = settings.start_up.as_secs_f64() * (1.0 + settings.start_up_jitter)
            + settings.metric_lag.as_secs_f64(),
        rps = settings.load_metric,
        cpu = settings.utilization_metric,
    );
    let cpu = &settings.utilization_metric;
    let rps = &settings.load_metric;
    let target = format!("  - {{ kind: target, metric: {cpu}, target: 0.7 }}\n");
    let net = format!("  - {{ kind: target, metric: {cpu}, target: 0.85 }}\n");
    let hpa = format!("{head}policies:\n{target}");
    // The part of a saving that takes no forecast.
    let tight = format!("{head}policies:\n{net}");
    let watermark = format!(
        "{head}policies:\n  - {{ kind: watermark, metric: {cpu}, low: 0.5, high: 0.75 }}\n"
    );
    let schedule =
        format!("{head}policies:\n{target}{}", windows(trace, settings, load_per_replica, most));
    // Nothing is told but the load's name: the risk, the forecaster and its seasons are learnt.
    let predictive = format!("{head}policies:\n  - {{ kind: predictive, metric: {rps} }}\n");
    let named = [
        ("hpa 0.7", hpa),
        ("hpa 0.85", tight),
        ("watermark", watermark),
        ("schedule", schedule),
        ("predictive", predictive),
    ];
    Ok(named.map(|(name, text)| (name.to_owned(), text)).into())
}

/// Floors for each hour of working days and of weekends, as an operator would read them off the
/// last two weeks: the median over the days of the hour's mean load, at 70 % utilization. A
/// window opens a quarter of an hour before its hour.
fn windows(trace: &Trace, settings: &Settings, load_per_replica: f64, most: u32) -> String {
    let (until, _) = settings.scored_part(trace);
    let hour = 3_600_000;
    let last_weeks =
        until.as_millis() - trace.start.as_millis().max(until.as_millis() - 14 * 24 * hour);
    let from = until.as_millis() - last_weeks;
    let mut means = vec![[Vec::new(), Vec::new()]; 24];
    let mut at = from.div_euclid(hour) * hour;
    while at + hour <= until.as_millis() {
        if at >= from {
            let n = (hour / trace.step.as_millis().clamp(1, hour)) as usize;
            let loads =
                (0..n).map(|k| trace.load(Timestamp::from_millis(at + k as i64 * hour / n as i64)));
            let mean = loads.sum::<f64>() / n as f64;
            let day = at.div_euclid(24 * hour);
            // 1970-01-01 was a Thursday.
            let is_weekend = (day + 3).rem_euclid(7) >= 5;
            means[(at.div_euclid(hour).rem_euclid(24)) as usize][usize::from(is_weekend)]
                .push(mean);
        }
        at += hour;
    }
    let mut text = String::new();
    for (is_weekend, days) in ["mon-fri", "sat,sun"].into_iter().enumerate() {
        let floor = |hour: usize| {
            let mut seen = means[hour][is_weekend].clone();
            if seen.is_empty() {
                seen.clone_from(&means[hour][1 - is_weekend]);
            }
            seen.sort_by(f64::total_cmp);
            let median = seen.get(seen.len() / 2).copied().unwrap_or(0.0);
            ((median / (load_per_replica * 0.7)).ceil() as u32).min(most)
        };
        for hour in 0..24 {
            if floor(hour) > 2 {
                // A quarter to midnight is the evening before.
                let days = match (hour, is_weekend) {
                    (0, 0) => "sun-thu",
                    (0, _) => "fri,sat",
                    _ => days,
                };
                text += &format!(
                    "  - {{ kind: schedule, cron: \"45 {before} * * {days}\", duration: 75m, min_replicas: {floor} }}\n",
                    before = (hour + 23) % 24,
                    floor = floor(hour),
                );
            }
        }
    }
    text
}
