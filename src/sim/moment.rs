//! Why it was so at one moment of a replay.
//!
//! In: a [`Report`] and a time. Out: a [`Moment`]: what was decided, by whom it was wanted, what held
//! it, what the forecast had said and how that turned out.

use serde::Serialize;

use super::replay::Report;
use crate::decide::Said;
use crate::explain::Step;
use crate::time::Timestamp;
use crate::{Decision, Error};

/// One moment of a replay, told for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// The beginning of the interval.
    pub at: Timestamp,
    /// Mean load that came in it, in the load's unit.
    pub load: f64,
    /// Load that could be carried, in the load's unit.
    pub capacity: f64,
    /// Replicas ready when it began.
    pub ready: u32,
    /// Load that waited at its end, times seconds.
    pub queue: f64,
    /// What was decided, and every step to it.
    pub decision: Decision,
    /// The policies that wanted a number, with it and why.
    pub wanted: Vec<Step>,
    /// What kept another number than the one wanted: guards, limits, the mode.
    pub held: Vec<Step>,
    /// What the last forecast before it had said of it, and what came; `None` if none reaches there.
    pub forecast: Option<Said>,
}

impl Report {
    /// What happened at a moment of the replay, and why: the interval in which `at` lies.
    ///
    /// ```
    /// use forescale::sim::{Settings, replay, web_service};
    /// use forescale::Autoscaler;
    ///
    /// let mut scaler = Autoscaler::from_text(
    ///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
    ///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#,
    /// )?;
    /// let settings =
    ///     Settings { scored: "6h".parse()?, decisions: true, ..Settings::default() };
    /// let report = replay(&mut scaler, &web_service(1, 7), &settings)?;
    /// let moment = report.explain(report.series.start + "1h".parse()?)?;
    /// assert_eq!(&*moment.wanted[0].by, "target(cpu)");
    /// assert!(moment.explain().contains("target(cpu) says"), "{}", moment.explain());
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for a time that was not replayed;
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the settings did not keep the decisions
    /// ([`Settings::decisions`](super::Settings::decisions)).
    pub fn explain(&self, at: Timestamp) -> Result<Moment, Error> {
        let series = &self.series;
        let n_before = at.since(series.start).as_millis() / series.step.as_millis().max(1);
        let index = usize::try_from(n_before).unwrap_or(usize::MAX);
        if at < series.start || index >= series.load.len() {
            let end = series.start + series.step.times(series.load.len() as i64);
            let (start, end, at) = (series.start.as_millis(), end.as_millis(), at.as_millis());
            let message =
                format!("is {at} ms, must lie from {start} up to {end} ms, which was replayed");
            return Err(Error::trace("at", message));
        }
        let Some(decision) = self.decisions.get(index) else {
            let message = "is false, must be true for a replay that is to be explained";
            return Err(Error::config("decisions", message));
        };
        let load = series.load[index];
        let before = |at: Timestamp| self.forecasts.iter().rfind(move |one| one.issued_at <= at);
        Ok(Moment {
            at: series.start + series.step.times(n_before),
            load,
            capacity: series.capacity[index],
            ready: series.ready[index],
            queue: series.queue[index],
            wanted: decision.wanted().cloned().collect(),
            held: decision.held().cloned().collect(),
            forecast: before(decision.at)
                .and_then(|forecast| Said::of(forecast, decision.at, Some(load))),
            decision: decision.clone(),
        })
    }
}

impl Moment {
    /// A few English sentences.
    #[must_use]
    pub fn explain(&self) -> String {
        let Self { load, capacity, ready, .. } = self;
        let mut told = format!(
            "{}: a load of {load:.1} came, {ready} replicas were ready to carry {capacity:.1}",
            date(self.at)
        );
        if self.queue > 0.0 {
            told += &format!(", {:.1} s of that waited", self.queue / load.max(f64::MIN_POSITIVE));
        }
        told += &format!(". {}", self.decision.explain());
        if let Some(forecast) = &self.forecast {
            told += &format!(" {}", forecast.explain());
        }
        told
    }

    /// The moment as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

/// 2026-01-05T09:00:00Z; out of the years that dates know, the milliseconds.
pub(super) fn date(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| format!("{} ms", at.as_millis()), |at| at.to_string())
}
