//! What goes wrong in a plant: metrics that are not there, nodes that are lost or lacking, slow starts.
//!
//! In: how often and for how long. Out: whether it is the case now. Knows neither replicas nor load.

use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};

use super::plant::uniform;
use crate::Error;
use crate::time::{Duration, Timestamp};

/// What goes wrong, how often and for how long; by default nothing does.
///
/// When each of it happens is drawn from a stream of its own, so that it is the same for every policy
/// and one fault changes nothing of the others. Replicas that crash alone have a setting of their own,
/// [`crashes_per_day`](super::Settings::crashes_per_day).
///
/// ```
/// use forescale::sim::Settings;
///
/// let settings = Settings::from_text(
///     r#"{"faults": {"zero": {"per_day": 2, "lasts": "10m"}, "node_loss": {"per_day": 1}}}"#,
/// )?;
/// assert_eq!(settings.faults.node_loss.share, 0.2);
/// let error = Settings::from_text(r#"{"faults": {"slow_starts": {"share": 2}}}"#).unwrap_err();
/// assert_eq!(error.to_string(), "`faults.slow_starts.share` is 2, must be in [0, 1]");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// No metric can be read while it lasts.
    pub missing: Episodes,
    /// All metrics read 0 while it lasts, as of a source that has lost its targets.
    pub zero: Episodes,
    /// Several replicas are gone at once; they start again, elsewhere.
    pub node_loss: NodeLoss,
    /// No new replica finds a node while it lasts: what starts then waits, pending and not paid for.
    /// A crashed one keeps its node.
    pub node_shortage: Episodes,
    /// Some starts take longer.
    pub slow_starts: SlowStarts,
}

/// Something that happens now and then, at any moment alike, and lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Episodes {
    /// How often a day it begins on average, from 0 up to 1000000. Default 0.
    pub per_day: f64,
    /// How long each lasts, above 0; one that begins within another one prolongs it. Default 10m.
    pub lasts: Duration,
}

impl Default for Episodes {
    fn default() -> Self {
        Self { per_day: 0.0, lasts: Duration::from_secs(600) }
    }
}

/// The loss of a node with all replicas on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NodeLoss {
    /// How often a day it happens on average, from 0 up to 1000000. Default 0.
    pub per_day: f64,
    /// The share of the ready replicas that are lost, rounded up, in (0, 1]. Default 0.2: a service
    /// spread over five nodes.
    pub share: f64,
}

impl Default for NodeLoss {
    fn default() -> Self {
        Self { per_day: 0.0, share: 0.2 }
    }
}

/// Starts that take longer than others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SlowStarts {
    /// The share of the starts that are slow, 0 to 1. Default 0.
    pub share: f64,
    /// How many times as long they take, from 1 up to 1000. Default 4: an image that is not on the
    /// node yet.
    pub times: f64,
}

impl Default for SlowStarts {
    fn default() -> Self {
        Self { share: 0.0, times: 4.0 }
    }
}

/// Once a tick is as often as can be told apart.
const MOST_PER_DAY: f64 = 1e6;

impl Faults {
    /// Refuses what is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |field: &str, value: &dyn std::fmt::Display, must: &str| {
            Err(Error::config(field, format!("is {value}, must be {must}")))
        };
        let episodes = [
            ("missing", &self.missing),
            ("zero", &self.zero),
            ("node_shortage", &self.node_shortage),
        ];
        let rates = episodes.map(|(name, episodes)| (name, episodes.per_day));
        for (name, per_day) in rates.into_iter().chain([("node_loss", self.node_loss.per_day)]) {
            if !(0.0..=MOST_PER_DAY).contains(&per_day) {
                return refuse(&format!("{name}.per_day"), &per_day, "in [0, 1000000]");
            }
        }
        if let Some((name, episodes)) = episodes.iter().find(|(_, one)| one.lasts.is_zero()) {
            return refuse(&format!("{name}.lasts"), &episodes.lasts, "above 0");
        }
        let share = self.node_loss.share;
        if !(share > 0.0 && share <= 1.0) {
            return refuse("node_loss.share", &share, "in (0, 1]");
        }
        if !(0.0..=1.0).contains(&self.slow_starts.share) {
            return refuse("slow_starts.share", &self.slow_starts.share, "in [0, 1]");
        }
        if !(1.0..=1000.0).contains(&self.slow_starts.times) {
            return refuse("slow_starts.times", &self.slow_starts.times, "in [1, 1000]");
        }
        Ok(())
    }
}

/// The faults as they come, tick by tick.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    missing: Episode,
    zero: Episode,
    shortage: Episode,
    loss: Episode,
    lost_share: f64,
    slow: Pcg32,
    slow_share: f64,
    slow_times: f64,
}

/// What can be read of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Sound,
    Nothing,
    Zero,
}

impl Trouble {
    /// `None` where nothing ever goes wrong.
    pub(super) fn new(faults: &Faults, seed: u64, interval: Duration) -> Option<Self> {
        if *faults == Faults::default() {
            return None;
        }
        // The streams 1 to 3 are the plant's.
        let episode = |stream, per_day: f64, lasts| Episode {
            random: Pcg32::new(seed, stream),
            chance: per_day * interval.as_secs_f64() / 86_400.0,
            lasts,
            until: None,
        };
        let (missing, zero) = (&faults.missing, &faults.zero);
        let shortage = &faults.node_shortage;
        Some(Self {
            missing: episode(4, missing.per_day, missing.lasts),
            zero: episode(5, zero.per_day, zero.lasts),
            shortage: episode(6, shortage.per_day, shortage.lasts),
            loss: episode(7, faults.node_loss.per_day, Duration::from_millis(1)),
            lost_share: faults.node_loss.share,
            slow: Pcg32::new(seed, 8),
            slow_share: faults.slow_starts.share,
            slow_times: faults.slow_starts.times,
        })
    }

    /// Draws for the tick that begins `now`.
    pub(super) fn pass(&mut self, now: Timestamp) {
        for episode in [&mut self.missing, &mut self.zero, &mut self.shortage, &mut self.loss] {
            episode.pass(now);
        }
    }

    pub(super) fn reads(&self) -> Reads {
        if self.missing.is_on() {
            Reads::Nothing
        } else if self.zero.is_on() {
            Reads::Zero
        } else {
            Reads::Sound
        }
    }

    pub(super) fn lacks_nodes(&self) -> bool {
        self.shortage.is_on()
    }

    /// How many of the ready replicas are lost now.
    pub(super) fn lost(&self, ready: u32) -> u32 {
        if self.loss.is_on() { (self.lost_share * f64::from(ready)).ceil() as u32 } else { 0 }
    }

    /// How many times as long the next start takes.
    pub(super) fn slowness(&mut self) -> f64 {
        if uniform(&mut self.slow) < self.slow_share { self.slow_times } else { 1.0 }
    }
}

/// An episode that may be on, drawn once a tick.
#[derive(Clone, Debug)]
struct Episode {
    random: Pcg32,
    chance: f64,
    lasts: Duration,
    /// When it ends, if it is on.
    until: Option<Timestamp>,
}

impl Episode {
    fn pass(&mut self, now: Timestamp) {
        if self.chance == 0.0 {
            return;
        }
        self.until = self.until.filter(|&until| until > now);
        if uniform(&mut self.random) < self.chance {
            self.until = Some(now + self.lasts);
        }
    }

    fn is_on(&self) -> bool {
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_come_as_often_and_last_as_long_as_they_are_set() {
        let faults = Faults {
            missing: Episodes { per_day: 4.0, lasts: Duration::from_secs(600) },
            ..Faults::default()
        };
        let mut trouble = Trouble::new(&faults, 7, Duration::from_secs(15)).unwrap();
        let n_ticks = 1000 * 5760;
        let (mut n_off, mut n_begun, mut was_on) = (0_u32, 0_u32, false);
        for tick in 0..n_ticks {
            trouble.pass(Timestamp::from_secs(15 * tick));
            let is_on = trouble.reads() == Reads::Nothing;
            n_off += u32::from(is_on);
            n_begun += u32::from(is_on && !was_on);
            was_on = is_on;
        }
        // 1 - exp(-4 * 600 / 86400) of the time; those that prolong another one are not told apart.
        let share = f64::from(n_off) / n_ticks as f64;
        assert!((share - 0.0274).abs() < 0.002, "{share}");
        assert!((3700..4000).contains(&n_begun), "{n_begun}");
    }

    #[test]
    fn one_fault_changes_nothing_of_another() {
        let zero = Episodes { per_day: 20.0, lasts: Duration::from_secs(60) };
        let alone = Faults { zero: zero.clone(), ..Faults::default() };
        let slow_starts = SlowStarts { share: 0.5, times: 2.0 };
        let both = Faults { zero, slow_starts, ..Faults::default() };
        let mut troubles =
            [alone, both].map(|faults| Trouble::new(&faults, 1, Duration::from_secs(60)).unwrap());
        let mut n_zero = 0;
        for tick in 0..10_000 {
            let [one, other] = &mut troubles;
            other.slowness();
            one.pass(Timestamp::from_secs(60 * tick));
            other.pass(Timestamp::from_secs(60 * tick));
            assert_eq!(one.reads(), other.reads());
            n_zero += u32::from(one.reads() == Reads::Zero);
        }
        assert!(n_zero > 50, "{n_zero}");
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let refused = |text: &str| {
            let settings = format!(r#"{{"faults": {text}}}"#);
            super::super::Settings::from_text(&settings).unwrap_err().to_string()
        };
        let cases = [
            (
                r#"{"zero": {"per_day": -1}}"#,
                "`faults.zero.per_day` is -1, must be in [0, 1000000]",
            ),
            (r#"{"missing": {"lasts": 0}}"#, "`faults.missing.lasts` is 0s, must be above 0"),
            (r#"{"node_loss": {"share": 0}}"#, "`faults.node_loss.share` is 0, must be in (0, 1]"),
            (r#"{"slow_starts": {"times": 0.5}}"#, "`faults.slow_starts.times` is 0.5, must be in"),
            (r#"{"node_los": {}}"#, "`faults.node_los` is not a known setting"),
        ];
        for (text, want) in cases {
            let message = refused(text);
            assert!(message.starts_with(want), "{text}: {message}");
        }
    }
}
