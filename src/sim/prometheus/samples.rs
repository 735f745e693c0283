//! From the series of a history to one series on a fixed step.
//!
//! In: series by their labels, [`Options`]. Out: [`Samples`], with what is missing left missing.
//! Knows no JSON.

use std::collections::BTreeMap;

use super::{Labels, Options};
use crate::Error;
use crate::sim::trace::{Trace, grid};
use crate::time::{Duration, Timestamp};

/// A recorded load on a fixed step, with holes; for [`warm_up`](crate::Autoscaler::warm_up).
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// One time a step, from the first sample to the last.
    pub times: Vec<Timestamp>,
    /// The value at each time, in the query's unit; `None` where the record has none, or one that is
    /// NaN or infinite.
    pub values: Vec<Option<f64>>,
    /// The distance of two times.
    pub step: Duration,
    /// How many of the values are `None`.
    pub n_missing: usize,
}

impl Samples {
    /// The samples as a trace for [`replay`](crate::sim::replay): holes are filled on a straight line
    /// and counted, see [`Trace::from_samples`]; those at the ends are cut off.
    ///
    /// A rate speaks of the time before it, a value of a trace of the step after it: a trace of rates
    /// runs as late as a live host sees them, by one step or by the window of the query.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace), with the time in seconds, for a value below 0,
    /// and for holes that make up more than nine tenths of the steps.
    pub fn trace(&self, name: impl Into<String>) -> Result<Trace, Error> {
        let known = self.times.iter().zip(&self.values);
        let (times, values): (Vec<_>, Vec<_>) =
            known.filter_map(|(at, value)| Some((*at, (*value)?))).unzip();
        if times.is_empty() {
            return Err(Error::trace("trace", "has no value, must have at least 1"));
        }
        let place = |index: usize| at(times[index]);
        let step = grid(&times, Some(self.step), place)?;
        Trace::fill(name.into(), step, &times, &values, place)
    }

    pub(super) fn of(
        series: &BTreeMap<Labels, BTreeMap<Timestamp, f64>>,
        options: &Options,
    ) -> Result<Self, Error> {
        options.check()?;
        let chosen = choose(series, options)?;
        let all = chosen.iter().flat_map(|samples| samples.keys().copied());
        let mut known: Vec<_> = all.collect();
        known.sort_unstable();
        known.dedup();
        if known.len() < 2 && options.step.is_none() {
            let message =
                format!("has {} samples, must have at least 2 to tell the step", known.len());
            return Err(Error::trace("trace", message));
        }
        let step = grid(&known, options.step, |index| at(known[index]))?;

        let mut sums = BTreeMap::new();
        for samples in chosen {
            let mut add = |at: Timestamp, value: f64| *sums.entry(at).or_insert(0.0) += value;
            if options.counter {
                rates(samples, step, &mut add)?;
            } else {
                samples.iter().for_each(|(&at, &value)| add(at, value));
            }
        }
        let (Some((&first, _)), Some((&last, _))) = (sums.first_key_value(), sums.last_key_value())
        else {
            let message = if options.counter {
                "has no rate, a counter must have at least 2 samples"
            } else {
                "has no samples, must have at least 1"
            };
            return Err(Error::trace("trace", message));
        };
        let n_steps = last.since(first).as_millis() / step.as_millis() + 1;
        let times: Vec<_> = (0..n_steps).map(|number| first + step.times(number)).collect();
        let value = |at: &Timestamp| sums.get(at).copied().filter(|value: &f64| value.is_finite());
        let values: Vec<_> = times.iter().map(value).collect();
        let n_missing = values.iter().filter(|value| value.is_none()).count();
        if n_missing == values.len() {
            let message = format!("has no value, all {n_missing} are missing, NaN or infinite");
            return Err(Error::trace("trace", message));
        }
        Ok(Self { times, values, step, n_missing })
    }
}

/// The series that count.
fn choose<'a>(
    series: &'a BTreeMap<Labels, BTreeMap<Timestamp, f64>>,
    options: &Options,
) -> Result<Vec<&'a BTreeMap<Timestamp, f64>>, Error> {
    if series.is_empty() {
        let message = "has no series: the query matched nothing in the time it asked for";
        return Err(Error::trace("trace", message));
    }
    let wanted = &options.labels;
    let counts =
        |labels: &Labels| wanted.iter().all(|(name, value)| labels.get(name) == Some(value));
    let (names, chosen): (Vec<_>, Vec<_>) =
        series.iter().filter(|(labels, _)| counts(labels)).unzip();
    if chosen.is_empty() {
        let message = format!("match none of the series, {}", text_of_all(series.keys()));
        return Err(Error::trace(format!("labels {}", text_of(wanted)), message));
    }
    if chosen.len() > 1 && !options.sum {
        let message = format!(
            "has {} series, must have 1; choose it by its `labels` or ask for the `sum` of {}",
            chosen.len(),
            text_of_all(names.into_iter())
        );
        return Err(Error::trace("trace", message));
    }
    Ok(chosen)
}

/// Tells the rate per second at the end of each step of a counter, NaN where it is not known.
fn rates(
    samples: &BTreeMap<Timestamp, f64>,
    step: Duration,
    tell: &mut impl FnMut(Timestamp, f64),
) -> Result<(), Error> {
    if let Some((&time, count)) =
        samples.iter().find(|(_, count)| **count < 0.0 && count.is_finite())
    {
        let message = format!("is {count}, must be from 0 up to be that of a counter");
        return Err(Error::trace(at(time), message));
    }
    for ((&start, &before), (&end, &after)) in samples.iter().zip(samples.iter().skip(1)) {
        let is_step = end.since(start) == step && before.is_finite();
        // Who counts less than before has begun anew from 0.
        let increase = if after < before { after } else { after - before };
        tell(end, if is_step { increase / step.as_secs_f64() } else { f64::NAN });
    }
    Ok(())
}

/// A time's place in errors, as Prometheus writes times.
fn at(time: Timestamp) -> String {
    format!("time {}", time.as_millis() as f64 / 1000.0)
}

/// Labels as Prometheus writes them.
fn text_of(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// The first few of them, and how many more there are.
fn text_of_all<'a>(mut all: impl ExactSizeIterator<Item = &'a Labels>) -> String {
    let shown: Vec<_> = all.by_ref().take(8).map(text_of).collect();
    let more = if all.len() == 0 { String::new() } else { format!(" and {} more", all.len()) };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, &'a [(i64, f64)]);

    fn taken(rows: &[Row<'_>], options: &str) -> Result<Samples, Error> {
        let mut series: BTreeMap<Labels, BTreeMap<Timestamp, f64>> = BTreeMap::new();
        for (pod, samples) in rows {
            let labels = [("job", "shop"), ("pod", pod)];
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let samples = samples.iter().map(|(at, value)| (Timestamp::from_secs(*at), *value));
            series.insert(labels.into(), samples.collect());
        }
        Samples::of(&series, &Options::from_text(options).unwrap())
    }

    fn refused(rows: &[Row<'_>], options: &str) -> String {
        let error = taken(rows, options).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Trace);
        error.to_string()
    }

    /// The step in seconds, the first time, and the values.
    fn told(rows: &[Row<'_>], options: &str) -> (i64, i64, Vec<Option<f64>>) {
        let samples = taken(rows, options).unwrap();
        let rest = samples.values.iter().filter(|value| value.is_none()).count();
        assert_eq!((samples.n_missing, samples.times.len()), (rest, samples.values.len()));
        let apart = samples.times.windows(2).map(|pair| pair[1].since(pair[0]));
        apart.for_each(|apart| assert_eq!(apart, samples.step));
        let seconds = samples.times[0].as_millis() / 1000;
        (samples.step.as_millis() / 1000, seconds, samples.values)
    }

    #[test]
    fn absent_and_infinite_samples_are_missing() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let row: Row<'_> = ("a", &[(60, nan), (120, 1.0), (180, inf), (360, 2.0), (420, -inf)]);
        let (none, values) = (None, [Some(1.0), Some(2.0)]);
        let want = vec![none, values[0], none, none, none, values[1], none];
        assert_eq!(told(&[row], "{}"), (60, 60, want));
        let trace = taken(&[row], "{}").unwrap().trace("t").unwrap();
        assert_eq!(trace.start, Timestamp::from_secs(120));
        assert_eq!((trace.values, trace.n_filled), (vec![1.0, 1.25, 1.5, 1.75, 2.0], 3));
    }

    #[test]
    fn a_trace_keeps_the_step_though_every_other_sample_is_missing() {
        let nan = f64::NAN;
        let row: Row<'_> = ("a", &[(0, 1.0), (60, nan), (120, 3.0), (180, nan), (240, 5.0)]);
        let trace = taken(&[row], "{}").unwrap().trace("t").unwrap();
        assert_eq!((trace.step, trace.n_filled), (Duration::from_secs(60), 2));
        assert_eq!(trace.values, [1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn a_step_that_is_given_finds_what_is_missing() {
        let row: Row<'_> = ("a", &[(0, 1.0), (120, 3.0)]);
        assert_eq!(told(&[row], "{}").2, [Some(1.0), Some(3.0)]);
        assert_eq!(told(&[row], r#"{"step": "1m"}"#).2, [Some(1.0), None, Some(3.0)]);
        assert_eq!(told(&[("a", &[(5, 1.0)])], r#"{"step": "1m"}"#), (60, 5, vec![Some(1.0)]));
        let message = refused(&[row], r#"{"step": "50s"}"#);
        assert!(message.starts_with("`time 120` comes 120 s after"), "{message}");
        let message = refused(&[row], r#"{"step": "4m"}"#);
        assert!(message.contains("no multiple of the step of 240 s"), "{message}");
    }

    #[test]
    fn a_sum_takes_the_series_that_have_a_sample() {
        let nan = f64::NAN;
        let rows: [Row<'_>; 3] = [
            ("a", &[(0, 1.0), (60, 2.0), (120, 3.0)]),
            ("b", &[(60, 10.0), (120, nan), (180, 40.0)]),
            ("c", &[(300, 7.0)]),
        ];
        let want = [Some(1.0), Some(12.0), None, Some(40.0), None, Some(7.0)];
        assert_eq!(told(&rows, r#"{"sum": true}"#), (60, 0, want.to_vec()));
        let one = r#"{"sum": true, "labels": {"job": "shop", "pod": "a"}}"#;
        assert_eq!(told(&rows, one).2, [Some(1.0), Some(2.0), Some(3.0)]);
    }

    #[test]
    fn without_a_choice_there_must_be_one_series() {
        let samples: &[(i64, f64)] = &[(0, 1.0), (60, 2.0)];
        let rows = [("a", samples), ("b", samples)];
        assert_eq!(
            refused(&rows, "{}"),
            "`trace` has 2 series, must have 1; choose it by its `labels` or ask for the `sum` of \
             {job=\"shop\", pod=\"a\"}, {job=\"shop\", pod=\"b\"}"
        );
        assert!(refused(&rows, r#"{"labels": {"job": "shop"}}"#).contains("has 2 series"));
        assert_eq!(told(&rows, r#"{"labels": {"pod": "b"}}"#).2, [Some(1.0), Some(2.0)]);
        assert_eq!(
            refused(&rows[..1], r#"{"labels": {"pod": "b", "zone": "x"}}"#),
            "`labels {pod=\"b\", zone=\"x\"}` match none of the series, {job=\"shop\", pod=\"a\"}"
        );
        let pods: Vec<_> = (10..30).map(|pod| pod.to_string()).collect();
        let many: Vec<_> = pods.iter().map(|pod| (pod.as_str(), samples)).collect();
        let message = refused(&many, "{}");
        assert!(message.ends_with("pod=\"17\"} and 12 more"), "{message}");
    }

    #[test]
    fn a_counter_becomes_a_rate_and_a_fall_is_a_restart() {
        // 60 in a minute; 30 after a restart; standing still; 120 after a hole that is left open.
        let counts: &[(i64, f64)] =
            &[(0, 100.0), (60, 160.0), (120, 30.0), (180, 30.0), (300, 90.0), (360, 210.0)];
        let want = vec![Some(1.0), Some(0.5), Some(0.0), None, None, Some(2.0)];
        assert_eq!(told(&[("a", counts)], r#"{"counter": true}"#), (60, 60, want));
        // A restart of one of two does not hide the other: rates first, then the sum.
        let other: &[(i64, f64)] = &[(120, 6.0), (180, 66.0)];
        let both = told(&[("a", &counts[..4]), ("b", other)], r#"{"counter": true, "sum": true}"#);
        assert_eq!(both, (60, 60, vec![Some(1.0), Some(0.5), Some(1.0)]));
        let nan = f64::NAN;
        let holed: &[(i64, f64)] = &[(0, 0.0), (60, nan), (120, 9.0), (180, 69.0)];
        let want = vec![None, None, Some(1.0)];
        assert_eq!(told(&[("a", holed)], r#"{"counter": true}"#).2, want);
    }

    #[test]
    fn what_gives_no_samples_is_refused() {
        let nan = f64::NAN;
        let cases: [(&[Row<'_>], &str, &str); 9] = [
            (&[], "{}", "`trace` has no series: the query matched nothing"),
            (&[("a", &[])], "{}", "`trace` has 0 samples, must have at least 2"),
            (&[("a", &[(0, 1.0)])], "{}", "`trace` has 1 samples, must have at least 2"),
            (&[("a", &[(0, nan), (60, nan)])], "{}", "`trace` has no value, all 2 are missing"),
            (&[("a", &[(0, 1.0), (60, 1.0), (150, 1.0)])], "{}", "`time 150` comes 90 s after"),
            (&[("a", &[(0, 1.0), (1, 1.0), (90_000, 1.0)])], "{}", "most are missing"),
            (&[("a", &[(0, 1.0)])], r#"{"counter": true, "step": 60}"#, "`trace` has no rate"),
            (&[("a", &[(0, 1.0), (60, -1.0)])], r#"{"counter": true}"#, "`time 60` is -1, must be"),
            (&[("a", &[])], r#"{"step": 60}"#, "`trace` has no samples"),
        ];
        for (rows, options, want) in cases {
            let message = refused(rows, options);
            assert!(message.contains(want), "{rows:?} {options}: {message}");
        }
        let below = taken(&[("a", &[(0, 1.0), (60, -1.5)])], "{}").unwrap();
        assert_eq!(below.values, [Some(1.0), Some(-1.5)]); // a temperature may be
        let message = below.trace("t").unwrap_err().to_string();
        assert_eq!(message, "`time 60` is -1.5, must be a finite number from 0 up");
        let empty = Samples { times: vec![], values: vec![], ..below };
        assert!(empty.trace("t").unwrap_err().to_string().contains("has no value"));
    }
}
