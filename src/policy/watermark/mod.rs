//! Two marks with a band between them: grow above the high one, shrink below the low one.
//!
//! In: one metric's reading and the ready replicas. Out: the replicas that bring the usage back to
//! the mark it crossed, the present ones inside the band, or the reason to refuse. Knows nothing of
//! limits of change or of waits after one; those are guards.
//!
//! The law is that of the Datadog watermark autoscaler (WPA, April 2026), to the last bit: [`marks`] its
//! arithmetic, [`quantity`] its numbers, [`dwell`] its delays, [`pods`] its way of counting. The
//! policy differs from it in two points: convergence does not know the limits, which cap it later,
//! and a total of 0 that is not believed leaves the size alone, where the WPA proposes the ready
//! replicas and relies on its bounds, which know how many are ready, to stop a shrinking.

pub mod dwell;
pub mod marks;
pub mod pods;
pub mod quantity;

use serde::{Deserialize, Serialize};

use self::dwell::{Condition, Conditions, Dwell};
use self::marks::{Algorithm, Converge, Law, Size, Source, Verdict, fill_watermarks};
use self::quantity::thousandths;
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Phase, Replicas, Usage};
use crate::time::{Duration, Timestamp};

/// Proposes replicas only when the usage leaves the band between two marks.
///
/// ```
/// use forescale::policy::PolicyConfig;
///
/// let text = r#"{"kind": "watermark", "metric": "cpu", "low": 0.4, "high": 0.7}"#;
/// let settings: PolicyConfig = serde_json::from_str(text).expect("these are settings");
/// let policy = settings.build()?;
/// assert_eq!(policy.metric(), Some("cpu"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Watermark {
    settings: Config,
    above: Option<Held>,
    below: Option<Held>,
    #[serde(skip_serializing)]
    law: Law,
}

/// A condition as it is kept between decisions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    active: bool,
    since: Timestamp,
}

impl Watermark {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range, no mark is given, or the low one is above the high one.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let law = settings.law()?;
        Ok(Self { settings, above: None, below: None, law })
    }

    /// The verdict on the reading now, before any dwelling.
    fn judge(&self, view: &View<'_>) -> Result<(Source, Verdict), Reason> {
        let (usage, kind) = view.usage(&self.settings.metric)?;
        let (source, total, size) = measure(usage, kind, view.replicas)?;
        Ok((source, self.law.recommend(source, total, &size)?))
    }

    /// Takes in where the usage lies now; the conditions with their ages.
    fn note(&mut self, at: Timestamp, above: bool, below: bool) -> Conditions {
        let aged = |held: Held| Condition { active: held.active, age: at.since(held.since) };
        let before = Conditions { above: self.above.map(aged), below: self.below.map(aged) };
        let now = before.next(above, below);
        // Kept by age, so that a clock that stepped back starts them anew.
        let kept =
            |condition: Condition| Held { active: condition.active, since: at - condition.age };
        (self.above, self.below) = (now.above.map(kept), now.below.map(kept));
        now
    }
}

impl Policy for Watermark {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let (source, verdict) = match self.judge(view) {
            Ok(judged) => judged,
            // As in the WPA, a metric that cannot be read leaves the conditions their age.
            Err(reason) => {
                return Ok(Proposal { want: Want::NotFewer, wish: None, demand: None, reason });
            }
        };
        let Verdict { replicas, above, below, usage, wish, .. } = verdict;
        let conditions = self.note(view.at, above, below);
        let current = view.replicas.current();
        let wish = Some(wish.unwrap_or(f64::from(replicas)));
        let stay =
            |reason| Ok(Proposal { want: Want::Replicas(current), wish, demand: None, reason });
        if usage == Some(0.0) && source == Source::External && !self.law.tolerate_zero {
            return stay(Reason::new(codes::ZERO_READING, []));
        }

        let facts = [
            ("measured", usage.unwrap_or_default() / 1000.0),
            ("low", self.law.low as f64 / 1000.0),
            ("high", self.law.high as f64 / 1000.0),
        ];
        let stable = !above && !below;
        let dwell = self.settings.dwell();
        if replicas != current && !conditions.allow(current, replicas, dwell, stable) {
            let (condition, dwell) = match above {
                true => (conditions.above, dwell.up),
                false => (conditions.below, dwell.down),
            };
            let outside = condition.map_or(Duration::ZERO, |condition| condition.age);
            let [measured, low, high] = facts;
            let outside = ("outside_seconds", outside.as_secs_f64());
            let dwell = ("dwell_seconds", dwell.as_secs_f64());
            return stay(Reason::new(codes::DWELL, [outside, dwell, measured, low, high]));
        }
        let code = match (above, below) {
            (true, _) => codes::ABOVE_HIGH_WATERMARK,
            (_, true) => codes::BELOW_LOW_WATERMARK,
            _ if replicas != current => codes::CONVERGING,
            _ => codes::WITHIN_WATERMARKS,
        };
        let reason = Reason::new(code, facts);
        Ok(Proposal { want: Want::Replicas(replicas), wish, demand: None, reason })
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        super::check_utilization(kind, "high", self.law.high as f64 / 1000.0)
    }
}

/// A reading in the WPA's terms: its source, its total in thousandths, and the counts.
///
/// Readings per replica are a resource metric: those that report are ready, and the share of ready
/// ones is taken of those that should. Anything else is an external metric of the workload.
fn measure(
    usage: Usage<'_>,
    kind: MetricKind,
    replicas: Replicas,
) -> Result<(Source, Option<i64>, Size), Reason> {
    let invalid = || Reason::new(codes::METRIC_INVALID, []);
    let whole = |number| thousandths(number).ok_or_else(invalid);
    let (current, existing) = (replicas.current(), replicas.existing());
    let size =
        Size { current, existing, ready: replicas.ready, considered: existing, ..Size::default() };
    let replicas = match usage {
        Usage::Total(total) => return Ok((Source::External, Some(whole(total)?), size)),
        Usage::Average(average) => {
            let total = whole(average)?.checked_mul(i64::from(size.ready)).ok_or_else(invalid)?;
            return Ok((Source::External, Some(total), size));
        }
        Usage::PerReplica(replicas) => replicas,
    };

    let (mut ready, mut considered, mut total) = (0_u32, 0, 0_i64);
    let (mut used, mut asked, mut some_request) = (0.0, 0.0, false);
    for replica in replicas.iter().filter(|replica| replica.phase == Phase::Ready) {
        considered += 1;
        let Some(value) = replica.value else { continue };
        ready += 1;
        total = total.checked_add(whole(value)?).ok_or_else(invalid)?;
        used += value;
        asked += replica.request.unwrap_or(1.0);
        some_request |= replica.request.is_some();
    }
    if kind == MetricKind::Utilization && some_request && ready > 0 {
        // Of what they use and ask for together, so that a large replica weighs more.
        let ratio = whole(used / asked)?;
        total = ratio.checked_mul(i64::from(ready)).ok_or_else(invalid)?;
    }
    if ready == 0 {
        let none_ready = considered == 0;
        let code = if none_ready { codes::NO_READY_REPLICAS } else { codes::METRIC_MISSING };
        return Err(Reason::new(code, []));
    }
    // Ready replicas that the list leaves out should have reported too.
    let considered = considered.max(size.ready);
    Ok((Source::Resource, Some(total), Size { ready, considered, ..size }))
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    above: Option<Held>,
    below: Option<Held>,
}

impl TryFrom<Stored> for Watermark {
    type Error = Error;

    fn try_from(Stored { settings, above, below }: Stored) -> Result<Self, Error> {
        Ok(Self { above, below, ..Self::new(settings)? })
    }
}

/// Settings of [`Watermark`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric it reads.
    pub metric: String,
    /// The usage below which it shrinks, in the metric's unit, 0 or from 0.001 up to `high`. Default: that
    /// of `high`; one of the two must be given. At 0 it never shrinks.
    #[serde(default)]
    pub low: Option<f64>,
    /// The usage above which it grows, in the metric's unit, from 0.001 up, to 10 for a
    /// utilization. Default: that of `low`.
    #[serde(default)]
    pub high: Option<f64>,
    /// What is held against the marks. Default: `average`, which does not depend on the size.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Widens the band by this share of each mark, a ratio in [0, 1]. Default: 0.1, as the WPA.
    #[serde(default = "default_tolerance")]
    pub tolerance: f64,
    /// For how long the usage must have been above before it grows, in whole seconds. Default: 0,
    /// as the WPA's `upscaleDelayAboveWatermarkSeconds`.
    #[serde(default)]
    pub dwell_up: Duration,
    /// For how long the usage must have been below before it shrinks, in whole seconds. Default:
    /// 0, as the WPA's `downscaleDelayBelowWatermarkSeconds`.
    #[serde(default)]
    pub dwell_down: Duration,
    /// The mark that the size creeps to inside the band. Default: `none`, as nothing should move
    /// there that need not.
    #[serde(default)]
    pub converge_towards: Converge,
    /// Sizes are rounded up to a multiple of this, and convergence moves by it; from 1 up. Default:
    /// 1. The WPA's `replicaScalingAbsoluteModulo`.
    #[serde(default = "default_scaling_step")]
    pub scaling_step: u32,
    /// Whether a total of 0 is believed. Default: no, as a broken metric source often says 0; the
    /// size then stays. The WPA's `tolerateZero`.
    #[serde(default)]
    pub tolerate_zero: bool,
    /// Refuses to judge by fewer ready replicas than this share, a ratio in [0, 1] in whole
    /// percent. Default: 0, as the WPA's `minAvailableReplicaPercentage`.
    #[serde(default)]
    pub least_ready: f64,
}

fn default_tolerance() -> f64 {
    0.1
}

fn default_scaling_step() -> u32 {
    1
}

impl Config {
    fn law(&self) -> Result<Law, Error> {
        let mark = |field, mark: Option<f64>| match mark {
            None => Ok(None),
            Some(number) => match thousandths(number) {
                // What is smaller would be rounded up to a thousandth, in silence.
                Some(mark) if number == 0.0 || number >= 0.001 => Ok(Some(mark)),
                Some(mark) if mark >= 0 => {
                    Err(Error::config(field, format!("is {number}, must be 0 or from 0.001 up")))
                }
                _ => Err(Error::config(field, format!("is {number}, must be a number from 0 up"))),
            },
        };
        let (low, high) = fill_watermarks(mark("low", self.low)?, mark("high", self.high)?);
        let (Some(low), Some(high)) = (low, high) else {
            return Err(Error::config("high", "is missing as `low` is, one of them must be given"));
        };
        if low > high {
            let (low, high) = (low as f64 / 1000.0, high as f64 / 1000.0);
            return Err(Error::config(
                "low",
                format!("is {low}, must not be above `high`, {high}"),
            ));
        }
        if high == 0 {
            return Err(Error::config("high", "is 0, must be from 0.001 up"));
        }
        for (field, ratio) in [("tolerance", self.tolerance), ("least_ready", self.least_ready)] {
            if !(0.0..=1.0).contains(&ratio) {
                return Err(Error::config(field, format!("is {ratio}, must be in [0, 1]")));
            }
        }
        if self.scaling_step == 0 {
            return Err(Error::config("scaling_step", "is 0, must be from 1 up"));
        }
        Ok(Law {
            low,
            high,
            tolerance: (self.tolerance * 1000.0).round() as i64,
            algorithm: self.algorithm,
            converge_towards: self.converge_towards,
            scaling_step: self.scaling_step,
            tolerate_zero: self.tolerate_zero,
            least_ready_percent: (self.least_ready * 100.0).round() as u32,
        })
    }

    fn dwell(&self) -> Dwell {
        Dwell { up: self.dwell_up, down: self.dwell_down }
    }
}

#[cfg(test)]
mod tests;
