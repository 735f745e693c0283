//! What really ran, and how closely a replay comes to it.
//!
//! In: recorded replicas with their times, and the replicas of a replay. Out: a [`Record`] that knows
//! where it has holes, and an [`Agreement`]. Knows no policy.

use serde::Serialize;

use super::replay::Series;
use crate::Error;
use crate::time::{Duration, Timestamp};

/// The sizes a workload really had: a sample holds until the next one, for three times the usual
/// distance of two samples at most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    times: Vec<Timestamp>,
    replicas: Vec<Option<f64>>,
    /// How long a sample holds.
    #[serde(skip)]
    reach: Duration,
}

impl Record {
    /// From `replicas` at `times`, which rise; `None` or NaN where the record has a hole. Means of
    /// several replicas are rounded to the nearest whole number when they are asked for.
    ///
    /// ```
    /// use forescale::Timestamp;
    /// use forescale::sim::Record;
    ///
    /// let times = [0, 60, 120].map(Timestamp::from_secs);
    /// let record = Record::new(times.into(), vec![Some(4.0), None, Some(5.6)])?;
    /// let at = |second| record.at(Timestamp::from_secs(second));
    /// assert_eq!([at(-1), at(59), at(60), at(200), at(300)], [None, Some(4), None, Some(6), None]);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for lengths that differ, times that do not
    /// rise, and a size that is negative or infinite.
    pub fn new(times: Vec<Timestamp>, replicas: Vec<Option<f64>>) -> Result<Self, Error> {
        let refuse = |message| Err(Error::trace("recorded replicas", message));
        if times.len() != replicas.len() {
            return refuse(format!("has {} values for {} times", replicas.len(), times.len()));
        }
        if let Some(row) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
            return refuse(format!("row {}: times must rise", row + 2));
        }
        let sound = |size: &f64| size.is_nan() || (0.0..=f64::from(u32::MAX)).contains(size);
        if let Some(row) = replicas.iter().position(|size| !size.as_ref().is_none_or(sound)) {
            let size = replicas[row].unwrap_or_default();
            return refuse(format!("row {}: is {size}, must be from 0 to {}", row + 1, u32::MAX));
        }
        let mut apart: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        apart.sort_unstable();
        let usual = apart.get(apart.len() / 2).copied().unwrap_or(Duration::from_secs(60));
        Ok(Self { times, replicas, reach: usual.times(3) })
    }

    /// The size at a time; `None` where there is no record.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<u32> {
        let index = self.times.partition_point(|time| *time <= at).checked_sub(1)?;
        let fresh = at.since(self.times[index]) < self.reach;
        let size = self.replicas[index].filter(|size| fresh && !size.is_nan())?;
        Some(size.round() as u32)
    }
}

/// How closely the sizes of a replay follow those recorded, before anything is believed that the
/// same replay says of another configuration.
///
/// ```
/// use forescale::sim::{Agreement, Record, Settings, replay, web_service};
/// use forescale::Autoscaler;
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#,
/// )?;
/// let settings = Settings { scored: "6h".parse()?, ..Settings::default() };
/// let series = replay(&mut scaler, &web_service(1, 7), &settings)?.series;
/// // What ran is the replay itself here, with three replicas more.
/// let times = (0..1440).map(|k| series.start + series.step.times(k)).collect();
/// let more = series.wanted.iter().map(|&n| Some(f64::from(n + 3))).collect();
/// let agreement = Agreement::between(&series, &Record::new(times, more)?)?;
/// assert_eq!((agreement.mean_difference, agreement.equal_share), (-3.0, 0.0));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Intervals of the replay for which there is a record.
    pub n_compared: usize,
    /// Intervals without one: before the first sample, after the last, and inside wide holes.
    pub n_unrecorded: usize,
    /// Share of the compared intervals with exactly the recorded size, 0 to 1.
    pub equal_share: f64,
    /// Share of the compared intervals that are off by one replica at most, 0 to 1.
    pub within_one_share: f64,
    /// Replicas of the replay less those recorded, on average.
    pub mean_difference: f64,
    /// The same without the sign.
    pub mean_absolute_difference: f64,
    /// Replica-hours asked for in the replay as a multiple of those recorded; `None` if those were
    /// none.
    pub cost_ratio: Option<f64>,
    /// The changes of size in the replay and in the record.
    pub actions: [u32; 2],
    /// The first interval with another size.
    pub first_difference: Option<Timestamp>,
}

impl Agreement {
    /// Holds the sizes asked for in a replay against those recorded.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for a record that nowhere meets the replay.
    pub fn between(series: &Series, record: &Record) -> Result<Self, Error> {
        let mut sums = Sums::default();
        let (mut n_unrecorded, mut first_difference) = (0, None);
        for (number, &replayed) in series.wanted.iter().enumerate() {
            let at = series.start + series.step.times(number as i64);
            let Some(recorded) = record.at(at) else {
                n_unrecorded += 1;
                continue;
            };
            if replayed != recorded {
                first_difference = first_difference.or(Some(at));
            }
            sums.add(replayed, recorded);
        }
        if sums.n == 0 {
            let seconds = |at: Timestamp| at.as_millis() as f64 / 1000.0;
            let ends = series.start + series.step.times(series.wanted.len() as i64);
            let mut message = format!(
                "has no sample in the {} intervals of {} that were replayed, from {} to {} seconds \
                 since 1970",
                series.wanted.len(),
                series.step,
                seconds(series.start),
                seconds(ends),
            );
            if let (Some(&first), Some(&last)) = (record.times.first(), record.times.last()) {
                message += &format!("; it goes from {} to {}", seconds(first), seconds(last));
            }
            return Err(Error::trace("recorded replicas", message));
        }
        let n = sums.n as f64;
        Ok(Self {
            n_compared: sums.n,
            n_unrecorded,
            equal_share: sums.n_equal as f64 / n,
            within_one_share: sums.n_within_one as f64 / n,
            mean_difference: (sums.replayed - sums.recorded) / n,
            mean_absolute_difference: sums.difference / n,
            cost_ratio: (sums.recorded > 0.0).then(|| sums.replayed / sums.recorded),
            actions: sums.actions,
            first_difference,
        })
    }
}

#[derive(Default)]
struct Sums {
    n: usize,
    n_equal: usize,
    n_within_one: usize,
    replayed: f64,
    recorded: f64,
    difference: f64,
    actions: [u32; 2],
    last: Option<[u32; 2]>,
}

impl Sums {
    fn add(&mut self, replayed: u32, recorded: u32) {
        let apart = replayed.abs_diff(recorded);
        self.n += 1;
        self.n_equal += usize::from(apart == 0);
        self.n_within_one += usize::from(apart <= 1);
        self.replayed += f64::from(replayed);
        self.recorded += f64::from(recorded);
        self.difference += f64::from(apart);
        let now = [replayed, recorded];
        for (count, (before, after)) in
            self.actions.iter_mut().zip(self.last.unwrap_or(now).iter().zip(now))
        {
            *count += u32::from(*before != after);
        }
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(wanted: &[u32]) -> Series {
        Series {
            start: Timestamp::from_secs(600),
            step: Duration::from_secs(15),
            load: Vec::new(),
            capacity: Vec::new(),
            ready: Vec::new(),
            wanted: wanted.to_vec(),
            queue: Vec::new(),
        }
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let times = [585, 615, 645].map(Timestamp::from_secs);
        // Replayed at 600, 615, ... 690: 4 4 5 5 6 6 6; recorded 4 5 5 6 6 6 6.
        let record = Record::new(times.into(), vec![Some(4.0), Some(5.4), Some(5.6)]).unwrap();
        let agreement = Agreement::between(&series(&[4, 4, 5, 5, 6, 6, 6]), &record).unwrap();
        assert_eq!((agreement.n_compared, agreement.n_unrecorded), (7, 0));
        assert_eq!(agreement.equal_share, 5.0 / 7.0);
        assert_eq!(agreement.within_one_share, 1.0);
        assert_eq!(agreement.mean_difference, -2.0 / 7.0);
        assert_eq!(agreement.cost_ratio, Some(36.0 / 38.0));
        assert_eq!(agreement.actions, [2, 2]);
        assert_eq!(agreement.first_difference, Some(Timestamp::from_secs(615)));
    }

    #[test]
    fn where_there_is_no_record_nothing_is_compared() {
        let times = [600, 615, 630, 720].map(Timestamp::from_secs);
        let recorded = vec![Some(4.0), None, Some(f64::NAN), Some(4.0)];
        let record = Record::new(times.into(), recorded).unwrap();
        let agreement = Agreement::between(&series(&[4; 10]), &record).unwrap();
        assert_eq!((agreement.n_compared, agreement.n_unrecorded), (3, 7)); // 600, 720, 735
        let late = Record::new(vec![Timestamp::from_secs(9_000)], vec![Some(4.0)]).unwrap();
        let error = Agreement::between(&series(&[4; 10]), &late).unwrap_err();
        let says = error.to_string();
        assert!(says.contains("has no sample in the 10 intervals"), "{says}");
        assert!(says.ends_with("seconds since 1970; it goes from 9000 to 9000"), "{says}");
        let none = Record::new(Vec::new(), Vec::new()).unwrap();
        assert!(Agreement::between(&series(&[4; 10]), &none).is_err());
    }

    #[test]
    fn a_record_that_is_none_is_refused() {
        for (times, recorded, want) in [
            (vec![1, 1], vec![Some(1.0); 2], "row 2: times must rise"),
            (vec![1], vec![], "has 0 values for 1 times"),
            (vec![1], vec![Some(-1.0)], "row 1: is -1, must be from 0"),
            (vec![1], vec![Some(f64::INFINITY)], "row 1: is inf, must be from 0"),
        ] {
            let times = times.into_iter().map(Timestamp::from_secs).collect();
            let error = Record::new(times, recorded).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
        }
    }
}
