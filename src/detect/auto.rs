//! All evidence together: what shows in several ways is rarer than what shows in one.
//!
//! In: a value beside what was expected. Out: how rare the whole is, and what it is. Each evidence
//! has its file.

use serde::{Deserialize, Serialize};

use super::anomaly::AnomalyKind;
use super::baseline::Seen;
use super::cusum::Sums;
use super::recent::Recent;
use super::record::Range;
use super::shift::Mean;
use super::spike::Single;
use super::stuck::Stillness;
use super::tail::Tail;
use super::variance::Ratio;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The default detector.
///
/// Each evidence gives digits, `-log10` of its chance. Those above a floor are summed with a weight
/// each, which decides on the alarm; all of them are summed for the chance of the whole, which a tail
/// of such sums calibrates once more, so that the p-value means what it says on this very series.
///
/// Why no cut forest, no half-space trees, no Bayesian change point by default? On server metrics
/// they find less, at a hundred to a thousand times the time of the sums above.
pub type Auto = Watch<Union>;

/// See [`Auto`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {
    single: Single,
    mean: Mean,
    sums: Sums,
    range: Range,
    ratio: Ratio,
    stillness: Stillness,
    whole: Tail,
}

impl Union {
    /// Digits below are the noise of every day.
    const FLOOR: f64 = 1.38;

    /// Weights of the digits above the floor: single, mean, sums, range, ratio, stillness.
    const WEIGHTS: [f64; 6] = [0.73, 3.06, 0.57, 3.23, 0.81, 3.1];
}

impl Evidence for Union {
    /// Its digits are weighed already.
    const SAY: f64 = 1.0;

    fn new() -> Self {
        Self {
            single: Single::new(),
            mean: Mean::new(),
            sums: Sums::new(),
            range: Range::new(),
            ratio: Ratio::new(),
            stillness: Stillness::new(),
            whole: Tail::new(1.0),
        }
    }

    fn weigh(&mut self, seen: &Seen, recent: &Recent) -> Found {
        let found = [
            self.single.weigh(seen, recent),
            self.mean.weigh(seen, recent),
            self.sums.weigh(seen, recent),
            self.range.weigh(seen, recent),
            self.ratio.weigh(seen, recent),
            self.stillness.weigh(seen, recent),
        ];
        let (mut digits, mut sum, mut most, mut strongest) = (0.0, 0.0, 0.0, 0);
        for (index, (found, weight)) in found.iter().zip(Self::WEIGHTS).enumerate() {
            let part = weight * (found.digits - Self::FLOOR).max(0.0);
            digits += part;
            // Records and stillness are far from any usual sample already.
            sum += weight * found.digits;
            if part > most {
                (most, strongest) = (part, index);
            }
        }
        let rarity = self.whole.digits(sum);
        self.whole.learn(sum, seen.pace);
        // Noise and stillness have no side; the value has.
        let is_up = if strongest < 4 { found[strongest].is_up } else { seen.off > 0.0 };
        let kind = match strongest {
            // One wild value is no noise.
            4 if found[0].digits < 2.0 => Some(AnomalyKind::Variance),
            5 => Some(AnomalyKind::Stuck),
            _ => None,
        };
        Found { digits, rarity, is_up, kind }
    }

    fn restart(&mut self) {
        self.single.restart();
        self.mean.restart();
        self.sums.restart();
        self.ratio.restart();
        self.stillness.restart();
        self.whole.restart();
    }

    fn reach(&self) -> f64 {
        self.single.reach(3.0)
    }
}
