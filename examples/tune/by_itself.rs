//! Does an autoscaler that tunes itself come out better than one that does not?

use comfy_table::{Table, presets};
use forescale::sim::{Plant, Settings, Trace};
use forescale::tune::{self, SelfTuning, SelfTuningConfig};
use forescale::{Config, Duration, Observation};

use super::Arguments;

/// A row for each trace, and the sums.
pub(crate) fn told(
    arguments: &Arguments,
    traces: &[Trace],
    plant: &Settings,
) -> Result<String, String> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "days", "before", "by itself", "total", "nights", "settings at the end"]);
    let mut ratios = Vec::new();
    for trace in traces {
        let Some(row) = one(arguments, trace, plant)? else { continue };
        let ratio = row.1;
        ratios.push(ratio);
        table.add_row(row.0);
        eprintln!("{}: {ratio:.3}", trace.name);
    }
    if ratios.is_empty() {
        return Err("every trace is too short to learn on and a week after it".to_owned());
    }
    ratios.sort_by(f64::total_cmp);
    let n_of = |is_so: &dyn Fn(f64) -> bool| ratios.iter().filter(|&&ratio| is_so(ratio)).count();
    Ok(format!(
        "{table}\n{} traces, {} to start, a violation as dear as {} fleet minutes: better in {}, the same in {}, worse in {}, by \
         more than 5 % in {}; the median total is {:.3} of that without, the worst {:.3}",
        ratios.len(),
        plant.start_up,
        arguments.violation_price,
        n_of(&|ratio| ratio < 1.0),
        n_of(&|ratio| ratio == 1.0),
        n_of(&|ratio| ratio > 1.0),
        n_of(&|ratio| ratio > 1.05),
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1],
    ))
}

/// Cost and violations of one that lives through the end of a trace.
#[derive(Default)]
struct Lived {
    replica_hours: f64,
    violation_minutes: f64,
    minutes: f64,
    nights: Vec<String>,
    changes: String,
}

impl Lived {
    fn violation_share(&self) -> f64 {
        self.violation_minutes / self.minutes
    }

    fn told(&self) -> String {
        format!("{:.2} % {:.0} h", 100.0 * self.violation_share(), self.replica_hours)
    }
}

/// A third of the trace, two weeks at most, is history; the rest, four weeks at most, is lived through, once
/// as it is and once with a call to retune each night.
fn one(
    arguments: &Arguments,
    trace: &Trace,
    plant: &Settings,
) -> Result<Option<([String; 7], f64)>, String> {
    let day = Duration::from_secs(86_400);
    let n_known = (trace.values.len() / 3).min(day.times(14).steps(trace.step));
    let n_lived = (trace.values.len() - n_known).min(day.times(28).steps(trace.step));
    let first = trace.values.len() - n_lived - n_known;
    let known = &trace.values[first..first + n_known];
    let lived = &trace.values[first + n_known..];
    let peak = known.iter().copied().fold(0.0, f64::max);
    if peak <= 0.0 || trace.step.times(n_lived as i64) < day.times(5) {
        return Ok(None);
    }
    let load_per_replica = peak / (f64::from(plant.peak_replicas) * plant.target_utilization);
    let config = arguments.config(plant, load_per_replica)?;
    let start = trace.start + trace.step.times(first as i64);
    let piece = |values: &[f64], start| {
        Trace::new(trace.name.clone(), start, trace.step, values.to_vec())
            .map_err(|error| error.to_string())
    };
    let known = piece(known, start)?;
    let lived = piece(lived, known.end())?;
    let run =
        |retunes| live(arguments, &config, plant, load_per_replica, (&known, &lived), retunes);
    let (before, after) = (run(false)?, run(true)?);
    let total = |lived: &Lived| {
        let price = arguments.violation_price * lived.violation_share();
        lived.replica_hours + price * before.replica_hours
    };
    let ratio = total(&after) / total(&before);
    let days =
        format!("{:.0} + {:.0}", known.length().as_secs_f64() / 86_400.0, after.minutes / 1440.0);
    let nights = after.nights.join(" ");
    let name = trace.name.clone();
    let row =
        [name, days, before.told(), after.told(), format!("{ratio:.3}"), nights, after.changes];
    Ok(Some((row, ratio)))
}

fn live(
    arguments: &Arguments,
    config: &Config,
    plant: &Settings,
    load_per_replica: f64,
    (known, lived): (&Trace, &Trace),
    retunes: bool,
) -> Result<Lived, String> {
    let told = |error: forescale::Error| error.to_string();
    let search = arguments.options().map_err(told)?;
    let settings = SelfTuningConfig { search, ..SelfTuningConfig::default() };
    let mut scaler = SelfTuning::new(config.clone(), settings).map_err(told)?;
    let times: Vec<_> =
        (0..known.values.len()).map(|step| known.start + known.step.times(step as i64)).collect();
    let values: Vec<_> = known.values.iter().copied().map(Some).collect();
    scaler.warm_up("rps", &times, &values).map_err(told)?;

    let last = known.values.last().copied().unwrap_or_default();
    let initial = (last / (load_per_replica * plant.target_utilization)).ceil().max(1.0) as u32;
    let mut workload = Plant::new(plant, load_per_replica, lived.start, initial, last);
    let mut seen = Observation::default().metric("rps", None).metric("cpu", None);
    let minutes = plant.interval.as_secs_f64() / 60.0;
    let n_a_day = Duration::from_secs(86_400).steps(plant.interval);
    let mut sums = Lived::default();
    for tick in 0..lived.length().steps(plant.interval) {
        workload.observe(&mut seen);
        workload.request(scaler.decide(&seen).replicas);
        let tick_of = workload.pass(lived.load(lived.start + plant.interval.times(tick as i64)));
        sums.replica_hours += tick_of.paid / 3600.0;
        sums.violation_minutes += if tick_of.violated { minutes } else { 0.0 };
        sums.minutes += minutes;
        if retunes && (tick + 1) % n_a_day == 0 {
            let event = scaler.retune(&tune::to_the_end).map_err(told)?;
            sums.nights.push(match event.reason.code() {
                "nothing_better" | "not_confirmed" => "-".to_owned(),
                "in_shadow" | "on_probation" | "paused" => ".".to_owned(),
                "proved_better" => "found".to_owned(),
                code => code.to_owned(),
            });
            if event.is_change() {
                let changes = event.changes.iter();
                let told = changes.map(|change| format!("{} {}", change.path, change.to));
                sums.changes = told.collect::<Vec<_>>().join(", ").replace('"', "");
            }
        }
    }
    Ok(sums)
}
