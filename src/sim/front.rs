//! What can be had at which violations.
//!
//! In: the violations and the cost of several settings. Out: the [`Front`] of those worth having.
//! Knows neither settings nor plant.

use serde::Serialize;

/// The lower convex hull of points of violations and cost: the settings that no mixture of others
/// beats, as mixing two of them over time reaches what lies between them (Pareto front, made convex).
///
/// The unit of the cost is the caller's; compare only fronts of one trace, one plant and one unit.
///
/// ```
/// use forescale::sim::Front;
///
/// // Of four settings: the share of the minutes in violation, and the replica-hours.
/// let front = Front::of([(0.1, 100.0), (0.0, 300.0), (0.05, 250.0), (0.2, 150.0)]);
/// let kept: Vec<_> = front.points().iter().map(|point| point.index).collect();
/// assert_eq!(kept, [1, 0]); // the others cost more than a mixture of these two
/// assert_eq!(front.cost(0.05), Some(200.0));
/// assert_eq!(front.cost(0.5), Some(100.0)); // more violations than needed are no gain
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Front {
    points: Vec<FrontPoint>,
}

/// A setting on a [`Front`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FrontPoint {
    /// Its place among the points that the front was made of, from 0.
    pub index: usize,
    /// Share of the minutes in violation, 0 to 1.
    pub violation_share: f64,
    /// What it costs, in the caller's unit.
    pub cost: f64,
}

impl Front {
    /// The front of points given as (violation share, cost). What is no finite number lies on none;
    /// of two points alike the first is kept.
    #[must_use]
    pub fn of(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().enumerate();
        let mut points: Vec<_> = points
            .map(|(index, (violation_share, cost))| FrontPoint { index, violation_share, cost })
            .filter(|point| point.violation_share.is_finite() && point.cost.is_finite())
            .collect();
        points.sort_by(|a, b| {
            a.violation_share.total_cmp(&b.violation_share).then(a.cost.total_cmp(&b.cost))
        });
        let mut hull: Vec<FrontPoint> = Vec::new();
        for point in points {
            if hull.last().is_some_and(|last| last.cost <= point.cost) {
                continue; // more violations and no cheaper
            }
            while let [.., a, b] = hull[..] {
                let across =
                    |to: FrontPoint| (to.violation_share - a.violation_share, to.cost - a.cost);
                let ((b_right, b_up), (right, up)) = (across(b), across(point));
                if b_right * up > b_up * right {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        Self { points: hull }
    }

    /// The settings on it, from the fewest violations to the least cost.
    #[must_use]
    pub fn points(&self) -> &[FrontPoint] {
        &self.points
    }

    /// The least cost with at most so many violations, as a share of the minutes; `None` if there
    /// are always more.
    #[must_use]
    pub fn cost(&self, violation_share: f64) -> Option<f64> {
        let above = self.points.partition_point(|point| point.violation_share <= violation_share);
        let last = self.points[..above].last()?;
        let Some(next) = self.points.get(above) else { return Some(last.cost) };
        let share = (violation_share - last.violation_share)
            / (next.violation_share - last.violation_share);
        Some(last.cost + share * (next.cost - last.cost))
    }

    /// The share of the gap between another front and a bound that this one closes at the same
    /// violations: 0 is as dear as the other, 1 as cheap as the bound, below 0 dearer than the
    /// other. The bound is usually the cost of [`Bounds::clairvoyant`](super::Bounds), the other the
    /// front of the best-tuned HPA.
    ///
    /// `None` where the other always has more violations, so that there is nothing to compare;
    /// minus infinity where only this one always has more. Where the other costs no more than the
    /// bound, there is no gap and the share is 0.
    ///
    /// ```
    /// use forescale::sim::Front;
    ///
    /// let hpa = Front::of([(0.0, 2.0), (0.02, 1.5)]);
    /// let ours = Front::of([(0.0, 1.6), (0.02, 1.3)]);
    /// let closed = ours.gap_closed(0.01, &hpa, 1.0).expect("the HPA gets there");
    /// assert!((closed - 0.4).abs() < 1e-9); // 1.45 in place of 1.75
    /// ```
    #[must_use]
    pub fn gap_closed(&self, violation_share: f64, other: &Self, bound: f64) -> Option<f64> {
        let other = other.cost(violation_share)?;
        let Some(own) = self.cost(violation_share) else { return Some(f64::NEG_INFINITY) };
        Some(if other > bound { (other - own) / (other - bound) } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn between_two_settings_lies_their_mixture() {
        let front = Front::of([(0.1, 1.0), (0.0, 3.0), (0.05, 2.5), (0.2, 1.5)]);
        assert_eq!(front.cost(0.0), Some(3.0));
        assert_eq!(front.cost(0.05), Some(2.0)); // not 2.5, which lies above the line
        assert_eq!((front.cost(0.5), front.cost(-0.1)), (Some(1.0), None));
    }

    #[test]
    fn what_is_no_number_lies_on_no_front() {
        let front = Front::of([(f64::NAN, 1.0), (0.1, f64::INFINITY), (0.1, 2.0), (0.1, 2.0)]);
        assert_eq!(front.points(), [FrontPoint { index: 2, violation_share: 0.1, cost: 2.0 }]);
        assert_eq!(Front::of([]).cost(1.0), None);
    }

    #[test]
    fn who_never_gets_there_closes_nothing() {
        let (near, far) = (Front::of([(0.0, 2.0)]), Front::of([(0.1, 1.0)]));
        assert_eq!(near.gap_closed(0.05, &far, 1.0), None);
        assert_eq!(far.gap_closed(0.05, &near, 1.0), Some(f64::NEG_INFINITY));
        assert_eq!(far.gap_closed(0.1, &near, 2.0), Some(0.0)); // there is no gap
    }

    proptest! {
        #[test]
        fn no_point_lies_below_its_front_and_each_kept_one_lies_on_it(
            points in prop::collection::vec((0_u8..20, 1_u8..50), 1..30),
        ) {
            let points: Vec<_> =
                points.iter().map(|&(x, y)| (f64::from(x) / 20.0, f64::from(y))).collect();
            let front = Front::of(points.iter().copied());
            for &(share, cost) in &points {
                prop_assert!(front.cost(share).unwrap() <= cost + 1e-9);
            }
            for point in front.points() {
                prop_assert_eq!(points[point.index], (point.violation_share, point.cost));
                prop_assert_eq!(front.cost(point.violation_share), Some(point.cost));
            }
        }
    }
}
