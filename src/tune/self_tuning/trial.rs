//! Two configurations on the same load.
//!
//! In: the settings in force, others, the record of the load since a moment. Out: how much the others save
//! there, and the chance that they are better. Changes nothing.
//!
//! Both are replayed by the live code, with the same luck, on a plant of what is known. That what really
//! ran is not compared is on purpose: the plant errs, and it errs for both.

use serde::{Deserialize, Serialize};

use super::settings::SelfTuningConfig;
use crate::forecast::cores::try_each;
use crate::sim::{Settings, Span, Stage, Trace};
use crate::time::Timestamp;
use crate::tune::Options;
use crate::tune::expect::{chance_better, expected};
use crate::tune::race::{Control, PIECE};
use crate::{Config, Error, Mode};

/// Settings that are replayed beside those in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trial {
    pub(super) other: Config,
    /// What is known of the load up to there has had a part in the choice.
    pub(super) since: Timestamp,
    /// Whether the others are those from before an adoption, rather than those that may be adopted.
    pub(super) is_probation: bool,
}

/// How the others did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    /// The share of the total of the settings in force that they save.
    pub(super) saved_share: f64,
    /// That they are better.
    pub(super) chance: f64,
}

impl Trial {
    /// From where on the load has had no part in the choice.
    pub(super) fn from(&self, trace: &Trace) -> Timestamp {
        // One that lies ahead is of a clock that was set back since.
        if self.since <= trace.end() { self.since.max(trace.start) } else { trace.start }
    }

    /// Replays both over the load since; `None` where it was interrupted.
    pub(super) fn verdict(
        &self,
        current: &Config,
        trace: &Trace,
        (plant, load_per_replica): (&Settings, f64),
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Option<Verdict>, Error> {
        let (from, end) = (self.from(trace), trace.end());
        let stage = Stage::new(trace, plant, load_per_replica, (from, end))?;
        let block = SelfTuningConfig::BLOCK.as_millis() / plant.interval.as_millis();
        let n_blocks = end.since(from).as_millis() / plant.interval.as_millis() / block;
        let played = try_each(vec![&self.other, current], |config| {
            let mut batch = stage.batch(0, config.in_mode(Mode::On))?;
            for done in 0..n_blocks {
                let mut left = block as usize;
                while left > 0 {
                    let piece = left.min(PIECE);
                    left -= piece;
                    batch.pass(piece, left == 0);
                    if control(done as f64 / n_blocks as f64).is_break() {
                        return Ok(None);
                    }
                }
            }
            let spans = batch.spans().next().and_then(|(_, spans)| spans);
            Ok(spans.map(<[Span]>::to_vec))
        })?;
        let [Some(other), Some(own)] = &played[..] else { return Ok(None) };
        let (objective, seed) = (options.objective, options.seed);
        let saved = expected(other, own, objective, options.confidence, seed).saved_share;
        let chance = chance_better(other, own, objective, seed);
        Ok(Some(Verdict { saved_share: saved.mean, chance }))
    }
}
