//! What the replicas asked for now must bear.
//!
//! In: the forecast as it was issued, the reading of now, the lead time. Out: the load of each step until
//! what is asked for at the next one could be ready. Knows neither prices nor replicas.

use super::price::Chances;
use crate::explain::{Reason, codes};
use crate::forecast::{Forecast, LEVELS, Outlook};
use crate::time::{Duration, Timestamp};

/// One step of a [`Reach`].
pub(super) struct Ahead {
    pub(super) begins: Timestamp,
    /// What its load may be.
    pub(super) chances: Chances,
    /// Whether that is the load of now, as it was read, and not what is expected.
    pub(super) is_now: bool,
    /// Whether what is ordered now can be ready for any of it. For what comes before, replicas can only be
    /// kept.
    pub(super) in_time: bool,
}

/// The steps of a forecast up to the lead time, corrected by how the present one has come.
pub(super) struct Reach<'a> {
    outlook: &'a Outlook,
    forecast: &'a Forecast,
    /// The row of the present step, that at which what is ordered now is ready, and the first that need
    /// not be borne.
    first: usize,
    ready: usize,
    end: usize,
    /// The load now, and its standard error.
    now: Option<(f64, f64)>,
}

impl<'a> Reach<'a> {
    /// # Errors
    /// The reason to have no forecast of that time.
    pub(super) fn new(
        at: Timestamp,
        lead_time: Duration,
        outlook: &'a Outlook,
        now: Option<(f64, f64)>,
    ) -> Result<Self, Reason> {
        let forecast = outlook.distribution()?;
        debug_assert!(forecast.quantiles.len() == LEVELS.len(), "the outlook weighs");
        let (issued, step) = (forecast.issued_at, forecast.step);
        // Half as long again: readings are late, the next decision comes later, and so may replicas.
        let half = u32::try_from(lead_time.as_millis() / 2).unwrap_or(u32::MAX);
        let until = at + lead_time + step.min(Duration::from_millis(half));
        if issued >= until {
            let back = issued.since(at).as_secs_f64();
            return Err(Reason::new(codes::TIME_WENT_BACK, [("back_seconds", back)]));
        }
        let steps = |time: Timestamp| {
            let millis = if issued < time { time.since(issued).as_millis() } else { 0 };
            (millis, step.as_millis().max(1))
        };
        let (passed, length) = steps(at);
        let first = usize::try_from(passed / length).unwrap_or(usize::MAX);
        let rows = forecast.horizon();
        if first >= rows {
            let gap = at.since(issued).as_secs_f64();
            return Err(Reason::new(codes::GAP_TOO_WIDE, [("gap_seconds", gap)]));
        }
        let (passed, length) = steps(at + lead_time);
        let ready = usize::try_from(passed / length).unwrap_or(usize::MAX);
        let (passed, length) = steps(until);
        let last = usize::try_from((passed + length - 1) / length).unwrap_or(usize::MAX);
        let end = last.max(first + 2).min(rows);
        Ok(Self { outlook, forecast, first, ready, end, now })
    }

    /// Each step from the present one on.
    pub(super) fn steps(&self) -> impl Iterator<Item = Ahead> {
        (self.first..self.end).map(self.ahead())
    }

    /// What of a load may still be there when what is ordered now is ready.
    pub(super) fn stays(&self, load: f64) -> f64 {
        if self.first < self.ready && self.ready < self.end {
            load.min(self.ahead()(self.ready).chances.seldom_above())
        } else {
            load
        }
    }

    /// What is at a row.
    fn ahead(&self) -> impl Fn(usize) -> Ahead {
        let Self { outlook, forecast, first, ready, now, .. } = *self;
        let root = move |row: usize| forecast.row(row)[0].sqrt();
        let known = now.map(|(load, error)| (load, error, load.sqrt() - root(first)));
        move |row| {
            let begins = forecast.issued_at + forecast.step.times(row as i64);
            let chances = match known {
                Some((load, error, _)) if row == first => Chances::read(load, error),
                Some((.., surprise)) => {
                    let median = root(row) + outlook.carried(row - first) * surprise;
                    // Known now, it is as uncertain as what lies so much nearer.
                    Chances::new(median, forecast.row(row - first - 1))
                }
                None => Chances::new(root(row), forecast.row(row)),
            };
            let is_now = row == first && now.is_some();
            Ahead { begins, chances, is_now, in_time: row >= ready }
        }
    }

    /// When the present step began.
    pub(super) fn begins(&self) -> Timestamp {
        self.forecast.issued_at + self.forecast.step.times(self.first as i64)
    }
}
