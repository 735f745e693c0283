//! How far a quantity goes from one sample to the next, learnt from the quantity itself.
//!
//! In: samples, oldest first. Out: whether the next one lies beyond all that was usual, and up to where
//! it would be plausible. Knows neither times of day nor what is done about it.

use serde::{Deserialize, Serialize};

use super::Side;

/// A rise below this is never odd: a load that doubles is no fault of its metric.
const LEAST_RISE: f64 = 2.0;
/// A fall is odd only below this share of the smallest of the last samples.
const MOST_LEFT: f64 = 0.1;
/// What must be beyond the second largest of the last days' moves, as a factor and as a distance on
/// the scale of `Slope::scaled`: chosen on the open traces so that a finding comes about once in ten
/// days of a metric.
const MARGIN: f64 = 1.25;
const DISTANCE: f64 = 0.06;
/// Below this share of the usual level a load is idle, and may well go to zero, as a queue that drains.
const IDLE_SHARE: f64 = 0.05;
/// A move is held against the last samples by this weight, against the day's peak by the rest.
const RECENT_SHARE: f64 = 0.6;
/// Share of the usual level that is added to each value, so that small counts do not seem to leap.
const FLOOR_SHARE: f64 = 0.05;
/// Beyond this multiple of the usual level one value is as odd as the next.
const FARTHEST: f64 = 1e12;
/// What one move can add to the largest one known, as one fault must not blind for the next.
const GROWTH: f64 = 1.3;
const LEAST_KNOWN: f64 = 0.05;

/// How one quantity moves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slope {
    /// The last believed values, the youngest first.
    recent: [f64; 3],
    n_samples: u32,
    /// The mean level of the last days.
    level: f64,
    /// The highest value of about the last day.
    peak: f64,
    rises: Record,
    falls: Record,
    /// The highest level beside which a zero was seen, on the scale.
    zeros: f64,
}

/// The two largest of the last moves; they fade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    largest: f64,
    second: f64,
}

impl Record {
    pub(super) fn push(&mut self, forget: f64, least: f64, size: f64) {
        let size = size.clamp(0.0, GROWTH * self.largest.max(least));
        self.largest *= 1.0 - forget;
        self.second *= 1.0 - forget;
        if size > self.largest {
            (self.largest, self.second) = (size, self.largest);
        } else if size > self.second {
            self.second = size;
        }
    }

    /// One odd move cannot set it, two can.
    pub(super) fn usual(&self) -> f64 {
        self.second
    }

    pub(super) fn is_sound(&self) -> bool {
        self.largest.is_finite() && self.second >= 0.0 && self.second <= self.largest
    }
}

/// How fast is forgotten, for one sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Of what is usual: over days.
    pub(super) forget: f64,
    /// Of the peak: over a day.
    pub(super) fade: f64,
}

impl Slope {
    /// Whether what was saved is of this world.
    pub(super) fn is_sound(&self) -> bool {
        let numbers = self.recent.iter().chain([&self.level, &self.peak, &self.zeros]);
        numbers.copied().all(|number| number.is_finite() && number >= 0.0)
            && self.rises.is_sound()
            && self.falls.is_sound()
    }

    pub(super) fn n_samples(&self) -> u32 {
        self.n_samples
    }

    /// The last believed value.
    pub(super) fn last(&self) -> f64 {
        self.recent[0]
    }

    pub(super) fn peak(&self) -> f64 {
        self.peak
    }

    fn highest(&self) -> f64 {
        self.recent.iter().copied().fold(0.0, f64::max)
    }

    pub(super) fn lowest(&self) -> f64 {
        self.recent.iter().copied().fold(f64::MAX, f64::min)
    }

    /// The fourth root, in units of the usual level: between the logarithm, on which counts near zero
    /// leap, and the plain number, on which the moves grow with the level (Box and Cox 1964).
    fn scaled(&self, value: f64) -> f64 {
        let floor = FLOOR_SHARE * self.level;
        let unit = self.level + floor;
        if unit <= 0.0 {
            return 0.0;
        }
        ((value + floor) / unit).min(FARTHEST).sqrt().sqrt()
    }

    fn unscaled(&self, scaled: f64) -> f64 {
        let floor = FLOOR_SHARE * self.level;
        let squared = scaled * scaled;
        (squared * squared * (self.level + floor) - floor).clamp(0.0, f64::MAX)
    }

    /// What a rise starts from: the last samples, and a little the day's peak.
    fn base(&self) -> f64 {
        let highest = self.highest();
        RECENT_SHARE * self.scaled(highest)
            + (1.0 - RECENT_SHARE) * self.scaled(self.peak.max(highest))
    }

    /// The highest and the lowest value that would be plausible next.
    pub(super) fn bound(&self, side: Side) -> f64 {
        match side {
            Side::Rise => {
                let limit = self.base() + MARGIN * self.rises.usual() + DISTANCE;
                self.unscaled(limit).max(LEAST_RISE * self.highest())
            }
            Side::Fall => {
                let limit = self.scaled(self.lowest()) - MARGIN * self.falls.usual() - DISTANCE;
                self.unscaled(limit.max(0.0)).min(MOST_LEFT * self.lowest())
            }
        }
    }

    /// Whether a value lies beyond what is plausible next, and to which side.
    pub(super) fn odd(&self, value: f64) -> Option<Side> {
        if value == 0.0 {
            let busy = self.lowest();
            let is_busy = busy > IDLE_SHARE * self.level;
            return (is_busy && self.scaled(busy) > MARGIN * self.zeros).then_some(Side::Fall);
        }
        if value > self.bound(Side::Rise) {
            return Some(Side::Rise);
        }
        (value < self.bound(Side::Fall)).then_some(Side::Fall)
    }

    /// Whether a value is nearer to an odd one before it than to what was usual before that.
    pub(super) fn confirms(&self, odd: f64, value: f64) -> bool {
        2.0 * self.scaled(value) > self.scaled(self.highest()) + self.scaled(odd)
    }

    /// Whether a value is still about as low as an odd one was.
    pub(super) fn is_low(&self, value: f64) -> bool {
        value < 3.0 * MOST_LEFT * self.lowest()
    }

    /// Learns how far a value is from the last ones, be it believed or not.
    pub(super) fn learn_move(&mut self, value: f64, pace: Pace) {
        if self.n_samples < self.recent.len() as u32 {
            return;
        }
        let rise = self.scaled(value) - self.base();
        let lowest = self.scaled(self.lowest());
        let fall = if value > 0.0 { lowest - self.scaled(value) } else { 0.0 };
        self.rises.push(pace.forget, LEAST_KNOWN, rise);
        self.falls.push(pace.forget, LEAST_KNOWN, fall);
        self.zeros *= 1.0 - pace.forget;
        if value == 0.0 && self.lowest() > 0.0 {
            self.zeros = self.zeros.max(lowest);
        }
    }

    /// Takes a value that is believed.
    pub(super) fn believe(&mut self, value: f64, pace: Pace) {
        if self.n_samples == 0 {
            self.recent = [value; 3];
        }
        self.n_samples = self.n_samples.saturating_add(1);
        let weight = (1.0 / f64::from(self.n_samples)).max(pace.forget);
        self.level += weight * (value - self.level);
        self.recent = [value, self.recent[0], self.recent[1]];
        self.peak = (self.peak * (1.0 - pace.fade)).max(value);
    }

    /// Goes on from a value as the new normal.
    pub(super) fn settle(&mut self, value: f64) {
        self.recent = [value; 3];
    }
}
