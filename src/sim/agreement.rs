//! How closely a replay comes to what really ran.
//!
//! In: the replicas of a replay, and those that were recorded. Out: an [`Agreement`]. Knows no policy.

use serde::Serialize;

use super::replay::Series;
use crate::Error;
use crate::time::Timestamp;

/// How closely the sizes of a replay follow those recorded, before anything is believed that the
/// same replay says of another configuration.
///
/// ```
/// use forescale::sim::{Agreement, Settings, replay, web_service};
/// use forescale::Autoscaler;
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#,
/// )?;
/// let settings = Settings { scored: "6h".parse()?, ..Settings::default() };
/// let series = replay(&mut scaler, &web_service(1, 7), &settings)?.series;
/// // What ran is taken from the replay itself here, with three replicas more.
/// let times: Vec<_> = (0..360).map(|k| series.start + "1m".parse::<forescale::Duration>().unwrap().times(k)).collect();
/// let more: Vec<_> = (0..360).map(|k| Some(f64::from(series.wanted[4 * k] + 3))).collect();
/// let agreement = Agreement::between(&series, &times, &more)?;
/// assert_eq!((agreement.mean_difference.round(), agreement.equal_share < 0.1), (-3.0, true));
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
    /// Replica-hours asked for in the replay as a multiple of those recorded; infinite (JSON `null`)
    /// if none were recorded.
    pub cost_ratio: f64,
    /// The changes of size in the replay and in the record.
    pub actions: [u32; 2],
    /// The first interval with another size.
    pub first_difference: Option<Timestamp>,
}

impl Agreement {
    /// Holds the sizes asked for in a replay against recorded ones: `replicas` at `times`, which
    /// rise; `None` or NaN where the record has a hole. A sample holds until the next one, for three
    /// times the usual distance of two samples at most. Recorded means of several replicas are
    /// rounded to the nearest whole number.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for lengths that differ, times that do not
    /// rise, a size that is negative or infinite, and a record that nowhere meets the replay.
    pub fn between(
        series: &Series,
        times: &[Timestamp],
        replicas: &[Option<f64>],
    ) -> Result<Self, Error> {
        let record = Record::new(times, replicas)?;
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
            let message = format!(
                "has no sample in the {} intervals of {} from {} ms on that were replayed",
                series.wanted.len(),
                series.step,
                series.start.as_millis()
            );
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
            cost_ratio: sums.replayed / sums.recorded,
            actions: sums.actions,
            first_difference,
        })
    }
}

/// Sizes that really ran.
struct Record<'a> {
    times: &'a [Timestamp],
    replicas: &'a [Option<f64>],
    /// A sample says nothing of what lies further behind it, in milliseconds.
    reach: i64,
}

impl<'a> Record<'a> {
    fn new(times: &'a [Timestamp], replicas: &'a [Option<f64>]) -> Result<Self, Error> {
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
        let mut apart: Vec<_> =
            times.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
        apart.sort_unstable();
        let usual = apart.get(apart.len() / 2).copied().unwrap_or(60_000);
        Ok(Self { times, replicas, reach: usual.saturating_mul(3) })
    }

    fn at(&self, at: Timestamp) -> Option<u32> {
        let index = self.times.partition_point(|time| *time <= at).checked_sub(1)?;
        let fresh = at.since(self.times[index]).as_millis() < self.reach;
        let size = self.replicas[index].filter(|size| fresh && !size.is_nan())?;
        Some(size.round() as u32)
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
    use crate::time::Duration;

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
        let recorded = [Some(4.0), Some(5.4), Some(5.6)];
        let agreement = Agreement::between(&series(&[4, 4, 5, 5, 6, 6, 6]), &times, &recorded);
        let agreement = agreement.unwrap();
        assert_eq!((agreement.n_compared, agreement.n_unrecorded), (7, 0));
        assert_eq!(agreement.equal_share, 5.0 / 7.0);
        assert_eq!(agreement.within_one_share, 1.0);
        assert_eq!(agreement.mean_difference, -2.0 / 7.0);
        assert_eq!(agreement.cost_ratio, 36.0 / 38.0);
        assert_eq!(agreement.actions, [2, 2]);
        assert_eq!(agreement.first_difference, Some(Timestamp::from_secs(615)));
    }

    #[test]
    fn where_there_is_no_record_nothing_is_compared() {
        let times = [600, 615, 630, 720].map(Timestamp::from_secs);
        let recorded = [Some(4.0), None, Some(f64::NAN), Some(4.0)];
        let agreement = Agreement::between(&series(&[4; 10]), &times, &recorded).unwrap();
        assert_eq!((agreement.n_compared, agreement.n_unrecorded), (3, 7)); // 600, 720, 735
        let late = [Timestamp::from_secs(9_000)];
        let error = Agreement::between(&series(&[4; 10]), &late, &[Some(4.0)]).unwrap_err();
        assert!(error.to_string().contains("has no sample in the 10 intervals"), "{error}");
        for (times, recorded, want) in [
            (vec![1, 1], vec![Some(1.0); 2], "row 2: times must rise"),
            (vec![1], vec![], "has 0 values for 1 times"),
            (vec![1], vec![Some(-1.0)], "row 1: is -1, must be from 0"),
            (vec![1], vec![Some(f64::INFINITY)], "row 1: is inf, must be from 0"),
        ] {
            let times: Vec<_> = times.into_iter().map(Timestamp::from_secs).collect();
            let error = Agreement::between(&series(&[4; 10]), &times, &recorded).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
        }
    }
}
