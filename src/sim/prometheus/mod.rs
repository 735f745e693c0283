//! History from Prometheus: the server's answers in, a [`Trace`] or samples for warming up out.
//!
//! In: the bodies of answers to `GET /api/v1/query_range`, as bytes, fetched by the host with whatever
//! client it has. Out: [`Samples`] on a fixed step, or the place that stands in the way. Knows no
//! network and no clock: [`chunks`] tells what to ask for, the host asks.
//!
//! A server refuses a query of more than 11,000 points a series, so a long history comes in several
//! answers. From a shell, with one of them:
//!
//! ```sh
//! curl -sG http://localhost:9090/api/v1/query_range \
//!     --data-urlencode 'query=sum(rate(http_requests_total{job="shop"}[5m]))' \
//!     -d start=1767225600 -d end=1767830340 -d step=60 > history.json
//! ```
//!
//! From Python, with all of them:
//!
//! ```python
//! import forescale, requests
//!
//! query = 'sum(rate(http_requests_total{job="shop"}[5m]))'
//! answers = [
//!     requests.get(
//!         "http://localhost:9090/api/v1/query_range",
//!         params={"query": query, "start": start, "end": end, "step": 60},
//!     ).content  # an error's body too: it says what is wrong
//!     for start, end in forescale.prometheus.chunks(1767225600, 1769904000, "1m")
//! ]
//! history = forescale.prometheus.read(answers)
//! scaler.warm_up("rps", *history)
//! report = forescale.replay(config, history)
//! ```
//!
//! And in Rust, where the answers have come from:
//!
//! ```
//! use forescale::Duration;
//! use forescale::sim::prometheus::{History, Options};
//!
//! let first = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
//!     {"metric": {"job": "shop"}, "values": [[1767225600, "10"], [1767225660, "NaN"]]}]}}"#;
//! let second = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
//!     {"metric": {"job": "shop"}, "values": [[1767225720, "40"], [1767225780, "50"]]}]}}"#;
//! let history = History::read([first, second])?;
//!
//! let samples = history.samples(&Options::default())?;
//! assert_eq!(samples.step, Duration::from_secs(60));
//! assert_eq!(samples.values, [Some(10.0), None, Some(40.0), Some(50.0)]); // for `warm_up`
//! assert_eq!(samples.n_missing, 1);
//!
//! let trace = samples.trace("shop")?; // for `replay`
//! assert_eq!((&trace.values[..], trace.n_filled), (&[10.0, 25.0, 40.0, 50.0][..], 1));
//! # Ok::<(), forescale::Error>(())
//! ```
//!
//! [`Trace`]: super::Trace

mod answer;
mod options;
mod samples;

use std::collections::BTreeMap;

use crate::Error;
use crate::time::{Duration, Timestamp};
pub use options::Options;
pub use samples::Samples;

/// The labels of a series, by name.
pub type Labels = BTreeMap<String, String>;

/// The most points of a series for which [`chunks`] asks at once: the limit that Prometheus names in
/// its refusal (by its arithmetic one more would pass).
pub const MOST_POINTS: i64 = 11_000;

/// What one query came to, stitched together from the answers to its chunks.
///
/// Answers may come in any order and may overlap: a series is known by its labels, a sample by its
/// time, and where two answers tell the same sample, the one that was added last wins. What one
/// answer has and a later one lacks is kept. All of them must belong to one query with one step;
/// memory grows with the number of different samples, about 40 bytes each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    series: BTreeMap<Labels, BTreeMap<Timestamp, f64>>,
    warnings: Vec<String>,
}

impl History {
    /// A history of no answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The history in several answers, each the whole body of one.
    ///
    /// # Errors
    /// As [`add`](Self::add), with the answer's number from 0: `answers[2].status`.
    pub fn read(answers: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self, Error> {
        let mut history = Self::new();
        for (number, answer) in answers.into_iter().enumerate() {
            history.take(answer.as_ref(), &format!("answers[{number}]"))?;
        }
        Ok(history)
    }

    /// Adds the whole body of one answer to `GET /api/v1/query_range`. An answer without a series is
    /// an empty stretch of time and adds nothing. What is refused leaves the history as it was.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace), with the place in the answer: text that is not
    /// JSON or is cut (with line and column); an answer whose `status` is `error` (with the server's
    /// own words); a `vector`, `scalar` or `string`, which are answers to instant queries; native
    /// histograms; a series without labels or values; the same labels twice; a time that is no number
    /// of seconds or does not rise; a value that is no number as text. `"NaN"`, `"+Inf"` and `"-Inf"`
    /// are numbers to Prometheus, and missing values here.
    pub fn add(&mut self, answer: impl AsRef<[u8]>) -> Result<(), Error> {
        self.take(answer.as_ref(), "answer")
    }

    fn take(&mut self, body: &[u8], place: &str) -> Result<(), Error> {
        let answer = answer::read(body).map_err(|error| error.at(place))?;
        for (labels, samples) in answer.series {
            self.series.entry(labels).or_default().extend(samples);
        }
        for warning in answer.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// The labels of each series.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &Labels> {
        self.series.keys()
    }

    /// What the server warned of, such as a part of the data that it could not reach; each text once.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// One series of samples on a fixed step: the one there is, or what `options` choose or add up.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace): no series, or none with the labels asked for;
    /// several without [`Options::sum`] (their labels are listed); no value in them; fewer than two
    /// samples with no [`Options::step`]; times that do not lie on one step, or on the one given; more
    /// than nine tenths of the steps without a sample; a counter below 0.
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a step of zero.
    pub fn samples(&self, options: &Options) -> Result<Samples, Error> {
        Samples::of(&self.series, options)
    }
}

/// The queries to ask for, each from a start to an end, both included, of at most [`MOST_POINTS`]
/// points: together the points `start`, `start + step`, ... up to `end`, each once.
///
/// ```
/// use forescale::sim::prometheus::chunks;
/// use forescale::{Duration, Timestamp};
///
/// let (start, minute) = (Timestamp::from_secs(1_767_225_600), Duration::from_secs(60));
/// let chunks = chunks(start, start + minute.times(20_000), minute)?; // 20,001 points
/// let (first, last) = (chunks[0], chunks[1]);
/// assert_eq!(chunks.len(), 2);
/// assert_eq!(first, (start, start + minute.times(10_999)));
/// assert_eq!(last, (start + minute.times(11_000), start + minute.times(20_000)));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for a step of zero, an end before the start and more
/// than 100,000 chunks.
pub fn chunks(
    start: Timestamp,
    end: Timestamp,
    step: Duration,
) -> Result<Vec<(Timestamp, Timestamp)>, Error> {
    const MOST_CHUNKS: i64 = 100_000;
    if step.is_zero() {
        return Err(Error::trace("step", "is 0, must be above 0"));
    }
    if end < start {
        return Err(Error::trace("end", "lies before the start, must not"));
    }
    let last = end.since(start).as_millis() / step.as_millis();
    let n_chunks = last / MOST_POINTS + 1;
    if n_chunks > MOST_CHUNKS {
        let message = format!("is {step}, which takes {n_chunks} queries, at most {MOST_CHUNKS}");
        return Err(Error::trace("step", message));
    }
    let point = |number: i64| start + step.times(number.min(last));
    let chunk = |number| (point(number * MOST_POINTS), point((number + 1) * MOST_POINTS - 1));
    Ok((0..n_chunks).map(chunk).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(labels: &str, values: &[(i64, &str)]) -> String {
        let values: Vec<_> =
            values.iter().map(|(at, value)| format!("[{at},\"{value}\"]")).collect();
        let result = format!(r#"{{"metric":{labels},"values":[{}]}}"#, values.join(","));
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
    }

    fn values_of(history: &History) -> Vec<Option<f64>> {
        history.samples(&Options::default()).unwrap().values
    }

    #[test]
    fn chunks_may_come_in_any_order_and_the_last_word_on_a_sample_stands() {
        let early = answer("{}", &[(0, "1"), (60, "2"), (120, "3")]);
        let late = answer("{}", &[(120, "3"), (180, "4")]);
        let empty = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        let in_order = History::read([&early, &late]).unwrap();
        assert_eq!(values_of(&in_order), [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
        let several = [&late[..], empty, &early, &late];
        assert_eq!(History::read(several).unwrap(), in_order);

        let mut corrected = in_order.clone();
        corrected.add(answer("{}", &[(60, "NaN"), (180, "5")])).unwrap();
        assert_eq!(values_of(&corrected), [Some(1.0), None, Some(3.0), Some(5.0)]);
    }

    #[test]
    fn a_refused_answer_is_numbered_and_changes_nothing() {
        let sound = answer("{}", &[(0, "1"), (60, "2")]);
        let damaged = sound.replace("\"2\"", "\"two\"");
        let error = History::read([&sound, &damaged]).unwrap_err();
        assert_eq!(error.path(), "answers[1].data.result[0].values[1][1]");
        let mut history = History::read([&sound]).unwrap();
        let before = history.clone();
        history.add(damaged.replace("\"1\"", "\"7\"")).unwrap_err();
        assert_eq!(history, before);
    }

    #[test]
    fn a_year_of_minutes_of_several_series_is_read() {
        const N_MINUTES: i64 = 525_600;
        let minute = Duration::from_secs(60);
        let (start, end) = (Timestamp::from_secs(0), Timestamp::from_secs((N_MINUTES - 1) * 60));
        let mut history = History::new();
        for (start, end) in chunks(start, end, minute).unwrap() {
            let times = start.as_millis() / 60_000..=end.as_millis() / 60_000;
            let values: Vec<_> = times.map(|n| format!("[{},\"{n}.5\"]", n * 60)).collect();
            let values = values.join(",");
            let pod = |name| format!(r#"{{"metric":{{"pod":"{name}"}},"values":[{values}]}}"#);
            let result = format!("{},{}", pod("a"), pod("b"));
            let body = format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#
            );
            history.add(body).unwrap();
        }
        let sum = Options { sum: true, ..Options::default() };
        let samples = history.samples(&sum).unwrap();
        assert_eq!((samples.values.len() as i64, samples.n_missing), (N_MINUTES, 0));
        let total: f64 = samples.values.iter().flatten().sum();
        assert_eq!(total, (N_MINUTES * N_MINUTES) as f64); // twice the sum of n + 1/2
    }

    #[test]
    fn warnings_are_kept_once() {
        let warned =
            answer("{}", &[(0, "1")]).replacen('{', r#"{"warnings":["one store lost"],"#, 1);
        let history = History::read([&warned, &warned]).unwrap();
        assert_eq!(history.warnings(), ["one store lost"]);
    }

    #[test]
    fn chunks_cover_each_point_once() {
        let seconds = Timestamp::from_secs;
        for (n_points, step) in
            [(1, 60), (2, 7), (10_999, 1), (11_000, 1), (11_001, 1), (70_000, 30)]
        {
            let span = i64::from(step) * (n_points - 1);
            for rest in [0, i64::from(step) - 1] {
                let step = Duration::from_secs(step);
                let chunks = chunks(seconds(5), seconds(5 + span + rest), step).unwrap();
                let mut next = seconds(5);
                for (start, end) in &chunks {
                    assert_eq!(*start, next, "{n_points} points");
                    let n_in = end.since(*start).as_millis() / step.as_millis() + 1;
                    assert!((1..=MOST_POINTS).contains(&n_in), "{n_in} points in a chunk");
                    next = *end + step;
                }
                assert_eq!(next, seconds(5 + span) + step, "{n_points} points");
            }
        }
    }

    #[test]
    fn chunks_that_cannot_be_are_refused() {
        let refused = |start, end, step| {
            let (start, end) = (Timestamp::from_millis(start), Timestamp::from_millis(end));
            chunks(start, end, Duration::from_millis(step)).unwrap_err().to_string()
        };
        assert_eq!(refused(0, 60, 0), "`step` is 0, must be above 0");
        assert_eq!(refused(60, 0, 1), "`end` lies before the start, must not");
        assert!(refused(0, 1 << 40, 1).contains("takes 99955603 queries, at most 100000"));
        assert!(refused(i64::MIN, i64::MAX, 1).contains("`step` is 1ms"));
    }
}
