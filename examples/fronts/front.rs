//! What can be had at which violations.

/// The lower convex hull of points of violations and cost, as mixing two settings over time reaches
/// what lies between them.
pub(crate) struct Front(Vec<(f64, f64)>);

impl Front {
    /// From (violation share, cost).
    pub(crate) fn of(points: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut points: Vec<_> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut hull: Vec<(f64, f64)> = Vec::new();
        for point in points {
            if hull.last().is_some_and(|last| last.1 <= point.1) {
                continue; // more violations and no cheaper
            }
            while let [.., a, b] = hull[..] {
                if (b.0 - a.0) * (point.1 - a.1) > (b.1 - a.1) * (point.0 - a.0) {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        Self(hull)
    }

    /// The least cost with so many violations at most; `None` if there are always more.
    pub(crate) fn cost(&self, violations: f64) -> Option<f64> {
        let above = self.0.partition_point(|point| point.0 <= violations);
        let last = self.0[..above].last()?;
        let Some(next) = self.0.get(above) else { return Some(last.1) };
        let share = (violations - last.0) / (next.0 - last.0);
        Some(last.1 + share * (next.1 - last.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_settings_lies_their_mixture() {
        let front = Front::of([(0.1, 1.0), (0.0, 3.0), (0.05, 2.5), (0.2, 1.5)].into_iter());
        assert_eq!(front.cost(0.0), Some(3.0));
        assert_eq!(front.cost(0.05), Some(2.0)); // not 2.5, which lies above the line
        assert_eq!((front.cost(0.5), front.cost(-0.1)), (Some(1.0), None));
    }
}
