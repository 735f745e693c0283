//! The arithmetic between two marks, exactly as the Datadog watermark autoscaler (WPA) does it.
//!
//! In: readings, marks and a tolerance as whole thousandths, and counts of replicas. Out: a
//! [`Verdict`], or the reason to refuse. Knows no time, no metric's name and no limits of change.
//!
//! Source: `controllers/datadoghq/replica_calculator.go` of DataDog/watermarkpodautoscaler. Real
//! numbers are binary64, products and quotients in its order: the noise is part of the behavior.

use serde::{Deserialize, Serialize};

use crate::explain::{Reason, codes};

/// The two marks and how the size moves; marks and tolerance in thousandths.
///
/// ```
/// use forescale::policy::watermark::marks::{Law, Size, Source};
///
/// let law = Law { low: 20_000, high: 40_000, tolerance: 100, ..Law::default() };
/// let size = Size { current: 3, existing: 3, ready: 3, considered: 3, ..Size::default() };
/// // A mean of 90 against a high mark of 40: ceil(3 * 90 / 40) = 7.
/// let verdict = law.recommend(Source::External, [270_000], &size)?;
/// assert_eq!((verdict.replicas, verdict.above), (7, true));
/// # Ok::<(), forescale::Reason>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Law {
    /// Below this, less the tolerance, the size shrinks.
    pub low: i64,
    /// Above this, plus the tolerance, the size grows.
    pub high: i64,
    /// Widens the band by this share of each mark; 100 is ten percent. Sizes use the bare marks.
    pub tolerance: i64,
    /// What is held against the marks.
    pub algorithm: Algorithm,
    /// The mark that the size creeps to inside the band.
    pub converge_towards: Converge,
    /// Sizes are rounded up to a multiple of this; 0 counts as 1.
    pub scaling_step: u32,
    /// Whether a total of 0 is believed.
    pub tolerate_zero: bool,
    /// Refuse if fewer of the considered replicas are ready, in whole percent.
    pub least_ready_percent: u32,
}

/// What is held against the marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// The total over the ready replicas.
    #[default]
    Average,
    /// The total itself. It is multiplied by the ready replicas all the same, as the WPA does: the
    /// marks then are a total that the present size should carry.
    Absolute,
}

/// The mark that the size creeps to while the usage lies inside the band, a step a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Converge {
    /// Neither: nothing moves inside the band.
    #[default]
    None,
    /// The low mark: up, as long as the usage is not expected to fall below it. Room to spare.
    Low,
    /// The high mark: down, as long as the usage is not expected to rise above it. Thrift.
    High,
}

/// Where the readings come from, which decides what is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// One reading a pod.
    Resource,
    /// Series of a metric of the whole workload, added up.
    External,
}

/// How many replicas there are, by each way of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The size asked for (Kubernetes: `spec.replicas`).
    pub current: u32,
    /// Replicas that exist (Kubernetes: `status.replicas`).
    pub existing: u32,
    /// Replicas that count as ready for this metric.
    pub ready: u32,
    /// Replicas that the share of ready ones is taken of.
    pub considered: u32,
    /// The lower limit, where convergence is to know it; none and 0 count as 1.
    pub min_replicas: Option<u32>,
    /// The upper limit, for convergence; 0 is taken at its word.
    pub max_replicas: u32,
}

impl Default for Size {
    /// Nothing there, and no limits.
    fn default() -> Self {
        let max_replicas = u32::MAX;
        Self { current: 0, existing: 0, ready: 0, considered: 0, min_replicas: None, max_replicas }
    }
}

/// What one metric asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verdict {
    /// So many replicas.
    pub replicas: u32,
    /// The ready replicas it was reckoned with.
    pub ready: u32,
    /// Whether the usage is above the band.
    pub above: bool,
    /// Whether the usage is below the band.
    pub below: bool,
    /// The usage, in thousandths; the WPA reports it without its fraction. `None` if the size was
    /// recommended from outside.
    pub usage: Option<f64>,
    /// The size before rounding, where a mark asks for one.
    pub wish: Option<f64>,
}

/// A size recommended from outside, with the range that the outside is content with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The size recommended.
    pub replicas: u32,
    /// Below this the size counts as too small.
    pub lower: u32,
    /// Above this the size counts as too large.
    pub upper: u32,
}

impl Law {
    /// The size that `values`, in thousandths, ask for.
    ///
    /// # Errors
    /// [`METRIC_MISSING`](codes::METRIC_MISSING) if a resource metric has no values,
    /// [`NO_READY_REPLICAS`](codes::NO_READY_REPLICAS) if none is considered or, for an external
    /// metric, none is ready, and [`TOO_FEW_READY`](codes::TOO_FEW_READY).
    pub fn recommend(
        &self,
        source: Source,
        values: impl IntoIterator<Item = i64>,
        size: &Size,
    ) -> Result<Verdict, Reason> {
        let mut n_values = 0;
        let mut total = 0_i128;
        for value in values {
            n_values += 1;
            total += i128::from(value);
        }
        if source == Source::Resource && n_values == 0 {
            return Err(Reason::new(codes::METRIC_MISSING, []));
        }
        let ready = self.ready(source, size)?;
        if source == Source::External && total == 0 && !self.tolerate_zero {
            return Ok(Verdict { replicas: ready, ready, usage: Some(0.0), ..Verdict::default() });
        }

        let n_ready = f64::from(ready);
        let usage = match self.algorithm {
            Algorithm::Average => total as f64 / n_ready,
            Algorithm::Absolute => total as f64,
        };
        let verdict = Verdict { ready, usage: Some(usage), ..Verdict::default() };
        let (bottom, top) = self.band();
        if usage > top {
            let wish = n_ready * usage / self.high as f64;
            // A high mark of 0 has no size that keeps it.
            let finite = wish.is_finite().then_some(wish);
            let replicas = finite.map_or(0, |wish| self.round_up(whole(wish.ceil())));
            let replicas = replicas.max(size.current);
            return Ok(Verdict { replicas, above: true, wish: finite, ..verdict });
        }
        if usage < bottom {
            let wish = n_ready * usage / self.low as f64;
            let finite = wish.is_finite().then_some(wish);
            let replicas = self.round_up(whole(wish.floor()).max(1)).min(size.current);
            return Ok(Verdict { replicas, below: true, wish: finite, ..verdict });
        }

        let least = size.min_replicas.unwrap_or(1).max(1);
        let cap = |replicas: f64| whole(replicas).min(size.max_replicas).max(least);
        // Quotient first, unlike above.
        let fewest = match self.high {
            0 => size.current,
            high => cap((n_ready / high as f64 * usage).ceil()),
        };
        let most = match self.low {
            0 => size.current,
            low => cap((n_ready / low as f64 * usage).floor()),
        };
        Ok(Verdict { replicas: self.converge(size.current, fewest, most), ..verdict })
    }

    /// The size that an outside recommender asks for, in the WPA's way of following one.
    ///
    /// # Errors
    /// As [`recommend`](Self::recommend) for an external metric;
    /// [`METRIC_MISSING`](codes::METRIC_MISSING) without advice.
    pub fn follow(&self, advice: Option<Advice>, size: &Size) -> Result<Verdict, Reason> {
        let ready = self.ready(Source::External, size)?;
        let Some(Advice { replicas, lower, upper }) = advice else {
            return Err(Reason::new(codes::METRIC_MISSING, []));
        };
        let verdict = Verdict { ready, ..Verdict::default() };
        if replicas == 0 && !self.tolerate_zero {
            return Ok(Verdict { replicas: ready, ..verdict });
        }
        let current = size.current;
        if replicas == current {
            return Ok(Verdict { replicas: self.converge(current, lower, upper), ..verdict });
        }
        let rounded = self.round_up(replicas);
        let kept = if replicas > current { rounded.max(current) } else { rounded.min(current) };
        let (above, below) = (current < lower, current > upper);
        Ok(Verdict { replicas: kept, above, below, wish: Some(f64::from(replicas)), ..verdict })
    }

    /// The edges of the band with its tolerance, in thousandths: below the first, above the second.
    ///
    /// ```
    /// let law = forescale::policy::watermark::marks::Law { low: 999, high: 1000, tolerance: 1, ..Default::default() };
    /// // 999 * 1 / 1000 is 0 in whole thousandths.
    /// assert_eq!(law.band(), (999.0, 1001.0));
    /// ```
    #[must_use]
    pub fn band(&self) -> (f64, f64) {
        let [low, high, tolerance] = [self.low, self.high, self.tolerance].map(i128::from);
        ((low - low * tolerance / 1000) as f64, (high + high * tolerance / 1000) as f64)
    }

    /// The ready replicas to reckon with, if they are enough to judge by.
    fn ready(&self, source: Source, size: &Size) -> Result<u32, Reason> {
        // More ready than existing: the selector catches pods of other workloads.
        let ready = match source {
            Source::Resource => size.ready,
            Source::External => size.ready.min(size.existing),
        };
        if size.considered == 0 || (source == Source::External && ready == 0) {
            return Err(Reason::new(codes::NO_READY_REPLICAS, []));
        }
        if 100 * u64::from(ready) / u64::from(size.considered) < u64::from(self.least_ready_percent)
        {
            let ready_ratio = f64::from(ready) / f64::from(size.considered);
            let least_ratio = f64::from(self.least_ready_percent) / 100.0;
            let facts = [("ready_ratio", ready_ratio), ("least_ratio", least_ratio)];
            return Err(Reason::new(codes::TOO_FEW_READY, facts));
        }
        Ok(ready)
    }

    /// One step towards the chosen mark, unless it would leave `fewest..=most`.
    fn converge(&self, current: u32, fewest: u32, most: u32) -> u32 {
        let step = self.scaling_step.max(1);
        match self.converge_towards {
            Converge::None => current,
            Converge::High => {
                let fewer = current.saturating_sub(step).max(1);
                if fewer < fewest { current } else { fewer }
            }
            Converge::Low => {
                let more = current.saturating_add(step);
                if more > most { current } else { more }
            }
        }
    }

    fn round_up(&self, replicas: u32) -> u32 {
        let step = u64::from(self.scaling_step.max(1));
        let rounded = u64::from(replicas).div_ceil(step) * step;
        u32::try_from(rounded).unwrap_or(u32::MAX)
    }
}

/// The verdict over several metrics: the largest size, the first of equals, with its own ready
/// replicas; above and below are each told if any metric tells them. Of none: no replicas.
///
/// # Errors
/// The first metric's refusal: one that fails makes the whole fail.
pub fn combine(
    verdicts: impl IntoIterator<Item = Result<Verdict, Reason>>,
) -> Result<Verdict, Reason> {
    let mut largest: Option<Verdict> = None;
    for verdict in verdicts {
        let verdict = verdict?;
        largest = Some(match largest {
            None => verdict,
            Some(before) => {
                let winner = if verdict.replicas > before.replicas { verdict } else { before };
                let above = before.above || verdict.above;
                let below = before.below || verdict.below;
                Verdict { above, below, ..winner }
            }
        });
    }
    Ok(largest.unwrap_or_default())
}

/// A missing mark takes the value of the other one; two missing marks stay missing.
///
/// ```
/// use forescale::policy::watermark::marks::fill_watermarks;
///
/// assert_eq!(fill_watermarks(Some(50), None), (Some(50), Some(50)));
/// assert_eq!(fill_watermarks::<i64>(None, None), (None, None));
/// ```
#[must_use]
pub fn fill_watermarks<T: Copy>(low: Option<T>, high: Option<T>) -> (Option<T>, Option<T>) {
    (low.or(high), high.or(low))
}

/// As a count: below 0 and NaN are 0, too large is the largest.
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Law = Law {
        low: 20_000,
        high: 40_000,
        tolerance: 100,
        algorithm: Algorithm::Average,
        converge_towards: Converge::None,
        scaling_step: 1,
        tolerate_zero: false,
        least_ready_percent: 0,
    };

    fn size(current: u32, ready: u32) -> Size {
        Size { current, existing: current, ready, considered: current, ..Size::default() }
    }

    #[test]
    fn the_edges_of_the_band_lie_inside() {
        for (total, want) in [(220_000, 5), (220_001, 6), (90_000, 5), (89_999, 4)] {
            let verdict =
                LAW.recommend(Source::External, [total], &size(5, 5)).expect("five ready");
            assert_eq!(verdict.replicas, want, "{total}");
        }
    }

    #[test]
    fn growth_never_shrinks_and_shrinking_never_grows() {
        let few = LAW.recommend(Source::External, [200_000], &size(10, 2)).expect("two ready");
        assert_eq!((few.replicas, few.above), (10, true));
        let wide = Law { scaling_step: 7, ..LAW };
        let stuck = wide.recommend(Source::External, [75_000], &size(5, 5)).expect("five ready");
        assert_eq!((stuck.replicas, stuck.below), (5, true));
    }

    /// The product first would allow 3 * 40000 / 20000 = 6; the quotient first lands just below it.
    #[test]
    fn convergence_divides_before_it_multiplies() {
        let law = Law { converge_towards: Converge::Low, scaling_step: 3, ..LAW };
        let verdict = law.recommend(Source::External, [120_000], &size(3, 3)).expect("three ready");
        assert_eq!((verdict.replicas, verdict.usage), (3, Some(40_000.0)));
    }

    #[test]
    fn nothing_ready_of_a_resource_leaves_the_size_alone() {
        let verdict = LAW.recommend(Source::Resource, [90_000], &size(4, 0)).expect("considered");
        assert_eq!((verdict.replicas, verdict.above, verdict.wish), (4, true, None));
    }

    #[test]
    fn marks_at_the_ends_of_the_range_do_not_overflow() {
        let law = Law { high: i64::MAX, tolerance: 1000, ..LAW };
        let verdict = law.recommend(Source::External, [i64::MAX, i64::MAX], &size(2, 2));
        assert_eq!(verdict.expect("two ready").replicas, 2);
        let tiny = Law { low: 1, high: 1, scaling_step: 7, ..LAW };
        let verdict = tiny.recommend(Source::External, [i64::MAX], &size(2, 2));
        assert_eq!(verdict.expect("two ready").replicas, u32::MAX);
    }
}
