//! All evidence together: what shows in several ways is rarer than what shows in one.
//!
//! In: a value beside what was expected. Out: how rare the whole is, and what it is. Each evidence
//! has its file.

use serde::{Deserialize, Serialize};

use super::anomaly::AnomalyKind;
use super::baseline::Seen;
use super::cusum::Sums;
use super::record::Range;
use super::recent::Recent;
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

/// Values whose mean shows that something has just changed.
pub(super) const SHORT: usize = 4;

/// See [`Auto`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {
    single: Single,
    short: Mean<SHORT>,
    long: Mean<{ Recent::KEPT }>,
    sums: Sums,
    range: Range,
    ratio: Ratio,
    stillness: Stillness,
    whole: Tail,
}

impl Union {
    /// Digits below are the noise of every day.
    const FLOOR: f64 = 1.6;

    /// Weights of the digits above the floor: single, short, long, sums, range, ratio, stillness.
    const WEIGHTS: [f64; 7] = [0.85, 1.9, 3.0, 0.45, 5.0, 0.0, 0.3];

    /// A line explains so much of a rise that it is no level.
    const STEEP: f64 = 1.5;
}

impl Evidence for Union {
    fn new() -> Self {
        Self {
            single: Single::new(),
            short: Mean::new(),
            long: Mean::new(),
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
            self.short.weigh(seen, recent),
            self.long.weigh(seen, recent),
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
        self.whole.learn(sum);
        let is_up = found[strongest].is_up;
        let kind = match strongest {
            5 => Some(AnomalyKind::Variance),
            6 => Some(AnomalyKind::Stuck),
            1..=3 => {
                let mean = recent.mean().abs();
                let runs_away = recent.rise().abs() > Self::STEEP * mean;
                let away = (recent.rise() > 0.0) == is_up;
                Some(match (runs_away && away && strongest == 2, is_up) {
                    (true, _) => AnomalyKind::Trend,
                    (false, true) => AnomalyKind::LevelUp,
                    (false, false) => AnomalyKind::LevelDown,
                })
            }
            _ => None,
        };
        Found { digits, rarity, is_up, kind }
    }

    fn restart(&mut self) {
        self.single.restart();
        self.short.restart();
        self.long.restart();
        self.sums.restart();
        self.ratio.restart();
        self.stillness.restart();
        self.whole.restart();
    }

    fn reach(&self) -> f64 {
        self.single.reach(3.0)
    }
}
