//! Broken metrics and real load: what the screen sees, what it lets pass, and what that costs.
//!
//! Reads the traces of the folder `FORESCALE_TRACES` (default: `../shared/traces` beside the
//! repository), and says so where there are none. With `--nocapture` the figures are printed.

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the tests are told where traces lie")]

mod traces;

use forescale::detect::{Screen, ScreenConfig};
use forescale::series::MetricKind;
use forescale::sim::{Plant, Settings, Trace, web_service};
use forescale::{Autoscaler, Duration, Observation, Reading, Timestamp};
use traces::traces;

/// Which traces.
type Only<'a> = &'a dyn Fn(&Seen) -> bool;

fn found(screen: &mut Screen, at: Timestamp, load: f64) -> Option<&'static str> {
    screen.see(at, &Reading::Number(load), 5, || None).map(|found| found.reason.code())
}

/// What is seen of the faults planted into one trace.
#[derive(Default)]
struct Seen {
    planted: f64,
    tenfold: f64,
    threefold: f64,
    zero: f64,
    freeze: f64,
    /// Findings in the untouched trace, of which one stands for the twelve samples after it.
    alarms: f64,
    days: f64,
    /// Samples of lasting surges (x2.5) that were held although the one before was held.
    delayed: u32,
}

impl Seen {
    fn in_trace(trace: &Trace) -> Self {
        let mut seen = Self::default();
        let mut screen = Screen::new(ScreenConfig::default(), MetricKind::Total).unwrap();
        let (n, step) = (trace.values.len(), trace.step);
        let at = |index: usize| trace.start + step.times(index as i64);
        let (first, every) = (300.min(n / 4), (n / 100).max(1));
        let (mut last_alarm, mut is_clean) = (None::<usize>, true);
        for (index, &load) in trace.values.iter().enumerate() {
            if is_clean && index > first && index % every == 0 && load > 0.0 && index + 30 < n {
                seen.planted += 1.0;
                let is_seen = |load: f64| found(&mut screen.clone(), at(index), load).is_some();
                seen.tenfold += f64::from(u8::from(is_seen(10.0 * load)));
                seen.threefold += f64::from(u8::from(is_seen(3.0 * load)));
                seen.zero += f64::from(u8::from(is_seen(0.0)));
                let mut frozen = screen.clone();
                let mut stuck =
                    (index..index + 30).filter_map(|later| found(&mut frozen, at(later), load));
                seen.freeze += f64::from(u8::from(stuck.any(|code| code == "stuck_value")));
                let mut surge = screen.clone();
                let mut was_held = false;
                for later in index..index + 12 {
                    let held = found(&mut surge, at(later), 2.5 * trace.values[later]);
                    let is_held = matches!(held, Some("implausible_rise" | "other_unit"));
                    seen.delayed += u32::from(was_held && is_held);
                    was_held = is_held;
                }
            }
            is_clean = found(&mut screen, at(index), load).is_none();
            if !is_clean {
                let is_new = last_alarm.is_none_or(|last| index - last > 12);
                seen.alarms += f64::from(u8::from(is_new));
                last_alarm = Some(index);
            }
        }
        seen.days = trace.length().as_secs_f64() / 86_400.0;
        seen
    }
}

/// Where a metric itself leaps threefold now and then, a threefold glitch is nothing odd; where it
/// does not, nearly every one is seen, and a false alarm is rare everywhere.
#[test]
fn planted_faults_are_seen_and_surges_are_delayed_by_one_step_at_most() {
    let traces = traces();
    if traces.is_empty() {
        return;
    }
    let seen: Vec<_> = traces.iter().map(Seen::in_trace).collect();
    let mean = |of: &dyn Fn(&Seen) -> f64, only: Only<'_>| {
        let chosen: Vec<_> = seen.iter().filter(|seen| only(seen)).collect();
        chosen.iter().map(|seen| of(seen)).sum::<f64>() / chosen.len() as f64
    };
    // Calm is a metric in which nineteen of twenty tenfold glitches are seen.
    let is_calm = |seen: &Seen| seen.tenfold > 0.95 * seen.planted;
    let any = |_: &Seen| true;
    let groups: [(&str, Only<'_>); 2] = [("all", &any), ("calm", &is_calm)];
    for (name, only) in groups {
        println!(
            "{name} ({}): x10 {:.3}, x3 {:.3}, zero {:.3}, freeze {:.3}, alarms a day {:.3}",
            seen.iter().filter(|seen| only(seen)).count(),
            mean(&|seen| seen.tenfold / seen.planted, only),
            mean(&|seen| seen.threefold / seen.planted, only),
            mean(&|seen| seen.zero / seen.planted, only),
            mean(&|seen| seen.freeze / seen.planted, only),
            mean(&|seen| seen.alarms / seen.days, only),
        );
    }
    let total = |of: &dyn Fn(&Seen) -> f64| seen.iter().map(of).sum::<f64>();
    let rate = total(&|seen| seen.alarms) / total(&|seen| seen.days);
    println!("alarms in all days together: {rate:.3} a day");
    assert!(rate <= 0.1, "{rate} false alarms a day");
    assert_eq!(seen.iter().map(|seen| seen.delayed).sum::<u32>(), 0, "a surge waited twice");
    assert!(mean(&|seen| seen.freeze / seen.planted, &|_| true) >= 0.9);
    assert!(mean(&|seen| seen.tenfold / seen.planted, &is_calm) >= 0.98);
    assert!(mean(&|seen| seen.threefold / seen.planted, &is_calm) >= 0.8);
    assert!(mean(&|seen| seen.zero / seen.planted, &is_calm) >= 0.95);
    assert!(mean(&|seen| seen.alarms / seen.days, &is_calm) <= 0.1);
    assert!(2 * seen.iter().filter(|seen| is_calm(seen)).count() > seen.len());
}

/// Numbers from a seed (xorshift, Marsaglia 2003), uniform in [0, 1).
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A source that breaks about 24 times a day: glitches, outages read as zero or as nothing, values that
/// stand still, another unit.
struct Faults {
    random: Box<dyn FnMut() -> f64>,
    kind: u32,
    left: u32,
    kept: f64,
}

impl Faults {
    fn new(seed: u64) -> Self {
        Self { random: Box::new(uniform(seed)), kind: 0, left: 0, kept: 0.0 }
    }

    fn through(&mut self, value: f64) -> f64 {
        let start = (self.random)();
        let (kind, long) = ((self.random)(), (self.random)());
        if self.left == 0 && start < 24.0 / 5_760.0 {
            self.kind = (6.0 * kind) as u32;
            self.kept = value;
            // A glitch is one reading; all else lasts from 2 to 12 minutes.
            self.left = if self.kind < 2 { 1 } else { 8 + (40.0 * long) as u32 };
        }
        if self.left == 0 {
            return value;
        }
        self.left -= 1;
        match self.kind {
            0 => 10.0 * value,
            1 => 1_000.0 * value,
            2 | 3 => 0.0,
            4 => f64::NAN,
            _ => self.kept,
        }
    }
}

/// What a replay cost, in replica-days, and the share of the load that was late or dropped.
fn replay(trace: &Trace, screen: &str, faults: bool) -> (f64, f64) {
    let settings = Settings::default();
    let load_per_replica = settings.capacity_on(trace).unwrap();
    let config = format!(
        r#"{{
        "min_replicas": 2, "max_replicas": 90, "lead_time": "2m",
        "metrics": {{"rps": {{"kind": "total", "screen": {screen}}},
                     "cpu": {{"kind": "utilization", "screen": {screen}}}}},
        "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {load_per_replica}}},
        "policies": [{{"kind": "target", "metric": "cpu", "target": 0.7}},
                     {{"kind": "target", "metric": "rps", "target": {target}}}],
        "guards": [{{"kind": "stabilization"}}, {{"kind": "rate"}}]
    }}"#,
        target = 0.7 * load_per_replica
    );
    let mut scaler = Autoscaler::from_text(&config).unwrap();
    let end = trace.end();
    let start = end - Duration::from_secs(2 * 86_400);
    let load = trace.load(start);
    let mut plant = Plant::new(&settings, load_per_replica, start, 20, load);
    let mut seen = Observation::default().metric("rps", None).metric("cpu", None);
    let mut sources = [("rps", Faults::new(5)), ("cpu", Faults::new(6))];
    let (mut at, mut paid, mut bad, mut came) = (start, 0.0, 0.0, 0.0);
    while at < end {
        plant.observe(&mut seen);
        if faults {
            for (name, source) in &mut sources {
                match seen.metrics.get_mut(*name).unwrap() {
                    Reading::Total { total } => *total = source.through(*total),
                    Reading::Average { average } => *average = source.through(*average),
                    _ => _ = source.through(0.0),
                }
            }
        }
        let replicas = scaler.decide(&seen).replicas;
        plant.request(replicas);
        let tick = plant.pass(trace.load(at));
        paid += tick.paid / 86_400.0;
        bad += tick.late + tick.dropped;
        came += tick.came;
        at = at + settings.interval;
    }
    (paid, bad / came)
}

#[test]
fn a_source_that_breaks_every_hour_costs_hardly_more_than_one_that_never_does() {
    let mut chosen = vec![web_service(4, 3)];
    let names = ["wc98", "twitter_prod", "nab_rds_cpu_e47b3b", "cpu_gc19_c", "nyc_taxi"];
    chosen.extend(traces().into_iter().filter(|trace| names.contains(&&*trace.name)));
    let mut ratios = Vec::new();
    for trace in &chosen {
        let (clean, clean_bad) = replay(trace, "{}", false);
        let (screened, screened_bad) = replay(trace, "{}", true);
        let (raw, raw_bad) = replay(trace, "\"off\"", true);
        let (plain, plain_bad) = replay(trace, "\"off\"", false);
        println!(
            "{}: cost {:.4} of the clean one (unscreened {:.4}, screened without faults {:.4}), \
             bad load {clean_bad:.5} clean, {screened_bad:.5} screened, {raw_bad:.5} unscreened, \
             {plain_bad:.5} clean and unscreened",
            trace.name,
            screened / plain,
            raw / plain,
            clean / plain,
        );
        assert!(screened <= 1.02 * plain, "{}: {screened} against {plain}", trace.name);
        assert!(screened_bad <= plain_bad + 0.002, "{}", trace.name);
        ratios.push(raw / plain);
    }
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    assert!(worst > 1.02, "unscreened such a source costs more: {ratios:?}");
}
