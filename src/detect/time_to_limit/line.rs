//! The line through the means of some stretches, with an error that allows for noise with memory.
//!
//! In: points. Out: the slope, its error, and where the line crosses a level. Knows no clock.

use serde::{Deserialize, Serialize};

/// The mean time, in seconds, and value of a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) value: f64,
}

/// A bend has at least so many points on both sides.
const LEAST_POINTS: usize = 6;
/// Two lines must explain so much better than one that chance does so in none of thousands.
const BEND: f64 = 8.0;
/// A bend turns or shifts the line by this share of its slope or climb.
const OTHER: f64 = 0.3;
/// With fewer residuals, after what they remember, there is no trend yet.
const LEAST_FREEDOM: f64 = 4.0;
/// The noise cannot be told to remember more than this from one stretch to the next.
const MOST_MEMORY: f64 = 0.97;
/// A climb half as steep that came to an end shows that such climbs do.
const LIKE: f64 = 0.5;

/// Ordinary least squares, the error widened by the memory of the residuals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    center: Point,
    slope: f64,
    /// Variances of the mean and of the slope.
    mean_variance: f64,
    slope_variance: f64,
    /// Of the residuals that are worth one without memory.
    freedom: f64,
    /// Sum of the squared residuals, and of the products of neighbors.
    left: f64,
    joint: f64,
    n: f64,
    /// From the first to the last point.
    span: f64,
}

/// Sums over points, from which the line through any run of them follows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    t: f64,
    y: f64,
    tt: f64,
    ty: f64,
    yy: f64,
}

impl Sums {
    /// Of points relative to the first one, so that squares keep their digits.
    fn of(points: &[Point]) -> Self {
        let origin = points.first().copied().unwrap_or_default();
        points.iter().fold(Self::default(), |sums, point| {
            let (t, y) = (point.at - origin.at, point.value - origin.value);
            Self {
                n: sums.n + 1.0,
                t: sums.t + t,
                y: sums.y + y,
                tt: sums.tt + t * t,
                ty: sums.ty + t * y,
                yy: sums.yy + y * y,
            }
        })
    }

    /// Slope, spread of the times, and the squares that the line leaves.
    fn fit(&self) -> Option<(f64, f64, f64)> {
        let spread = self.tt - self.t * self.t / self.n;
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let joint = self.ty - self.t * self.y / self.n;
        let left = self.yy - self.y * self.y / self.n - joint * joint / spread;
        Some((joint / spread, spread, left.max(0.0))).filter(|(slope, ..)| slope.is_finite())
    }
}

fn slope(points: &[Point]) -> Option<f64> {
    Sums::of(points).fit().map(|(slope, ..)| slope)
}

/// The squares that two lines leave.
fn left(one: &[Point], two: &[Point]) -> f64 {
    let left = |points| Sums::of(points).fit().map_or(f64::MAX, |(.., left)| left);
    left(one) + left(two)
}

/// How much wider the error is for what residuals remember, of which a line was fitted through `n`:
/// around it the memory seems shorter than it is (Kendall 1954).
fn widened(joint: f64, left: f64, n: f64) -> f64 {
    let seen = if left > 0.0 { joint / left } else { 0.0 };
    let memory = (seen + (2.0 + 4.0 * seen) / n).clamp(0.0, MOST_MEMORY);
    (1.0 + memory) / (1.0 - memory)
}

/// The first point of the last straight run.
pub(super) fn since_last_bend(points: &[Point]) -> usize {
    let mut first = 0;
    loop {
        let run = &points[first..];
        let n = run.len();
        if n < 2 * LEAST_POINTS {
            return first;
        }
        let places = LEAST_POINTS..=n - LEAST_POINTS;
        let split = |place: usize| left(&run[..place], &run[place..]);
        let best = places.map(|place| (split(place), place)).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, place)) = best else { return first };
        let whole = Line::through(run);
        let two = (Line::through(&run[..place]), Line::through(&run[place..]));
        let (Some(whole), (Some(before), Some(after))) = (whole, two) else { return first };
        if !whole.bends(&before, &after, run[place].at) {
            return first;
        }
        first += place;
    }
}

/// Whether as long a run before the last bend was about as steep and came to nothing: the samples have
/// since lost at least half of what it climbed. Nor is there a trend in what has not yet come above all
/// that was before the bend, as on the flank of a season.
pub(super) fn was_seen_before(points: &[Point], first: usize, steep: f64) -> bool {
    if first < LEAST_POINTS {
        return false;
    }
    let highest = points[..first].iter().map(|point| point.value).fold(f64::MIN, f64::max);
    if points[points.len() - 1].value <= highest {
        return true;
    }
    let n = (points.len() - first).clamp(LEAST_POINTS, first);
    points[..first].windows(n).any(|run| {
        let climb = slope(run).filter(|slope| *slope >= LIKE * steep).unwrap_or(0.0)
            * (run[n - 1].at - run[0].at);
        climb > 0.0 && points[first].value < run[n - 1].value - 0.5 * climb
    })
}

impl Line {
    pub(super) fn through(points: &[Point]) -> Option<Self> {
        let n = points.len() as f64;
        if points.len() < LEAST_POINTS {
            return None;
        }
        let sums = Sums::of(points);
        let (slope, spread, left) = sums.fit()?;
        let origin = points[0];
        let center = Point { at: origin.at + sums.t / n, value: origin.value + sums.y / n };
        let off = |point: &Point| point.value - center.value - slope * (point.at - center.at);
        let joint: f64 = points.windows(2).map(|pair| off(&pair[0]) * off(&pair[1])).sum();
        let widened = widened(joint, left, n);
        let variance = widened * left / (n - 2.0);
        // What a number cannot resolve is noise too.
        let variance = variance.max(1e-24 * center.value * center.value);
        let line = Self {
            center,
            slope,
            mean_variance: variance / n,
            slope_variance: variance / spread,
            freedom: n / widened - 2.0,
            left,
            joint,
            n,
            span: points[points.len() - 1].at - origin.at,
        };
        (variance.is_finite() && line.center.value.is_finite()).then_some(line)
    }

    pub(super) fn slope(&self) -> f64 {
        self.slope
    }

    pub(super) fn at(&self, at: f64) -> f64 {
        self.center.value + self.slope * (at - self.center.at)
    }

    /// Student's quantile for a normal one (Cornish and Fisher 1960).
    fn quantile(&self, normal: f64) -> f64 {
        let (z, v) = (normal, self.freedom.max(2.0));
        let (z3, z5) = (z * z * z, z * z * z * z * z);
        z + (z3 + z) / (4.0 * v) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * v * v)
    }

    pub(super) fn slope_error(&self, normal: f64) -> f64 {
        self.quantile(normal) * self.slope_variance.sqrt()
    }

    /// Whether the line climbs by more than chance explains.
    pub(super) fn is_beyond_chance(&self, normal: f64) -> bool {
        self.freedom >= LEAST_FREEDOM && self.slope > self.slope_error(normal)
    }

    /// Whether two lines explain much better than this one through both runs, and tell another story.
    fn bends(&self, before: &Self, after: &Self, place: f64) -> bool {
        let left = before.left + after.left;
        let widened = widened(before.joint + after.joint, left, 0.5 * self.n);
        let better = (self.left - left) / 3.0 > BEND * widened * left / (self.n - 4.0);
        let steepest = before.slope.abs().max(after.slope.abs());
        let turn = (after.slope - before.slope).abs();
        let jump = (after.at(place) - before.at(place)).abs();
        better && (turn > OTHER * steepest || jump > OTHER * steepest * self.span)
    }

    /// Where the line itself reaches a level, if it climbs.
    pub(super) fn crosses(&self, level: f64) -> Option<f64> {
        let ahead = (level - self.center.value) / self.slope;
        (self.slope > 0.0 && ahead.is_finite()).then_some(self.center.at + ahead)
    }

    /// The bounds of where the line reaches a level (Fieller 1954); the second only if it surely
    /// climbs.
    pub(super) fn crossing(&self, level: f64, normal: f64) -> (Option<f64>, Option<f64>) {
        let q = self.quantile(normal);
        let up = level - self.center.value;
        // (slope t - up)^2 = q^2 (mean_variance + slope_variance t^2)
        let a = self.slope * self.slope - q * q * self.slope_variance;
        let b = self.slope * up;
        let c = up * up - q * q * self.mean_variance;
        let root = b * b - a * c;
        let place = |t: f64| t.is_finite().then_some(self.center.at + t);
        if root.is_nan() || root < 0.0 || a == 0.0 {
            return (None, None);
        }
        let root = root.sqrt();
        if a > 0.0 && b > 0.0 {
            // In the form that does not cancel.
            return (place(c / (b + root)), place((b + root) / a));
        }
        // The slope may be of either sign: a bound on one side only, where the upper slope crosses.
        let (one, two) = ((b - root) / a, (b + root) / a);
        (place(one.max(two)).filter(|_| a < 0.0), None)
    }
}
