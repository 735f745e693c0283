//! What can be had at which violations.

use super::options::Outcome;

/// The numbers of those on the lower convex hull of violations and cost, the fewest violations first:
/// mixing two of them over time reaches what lies between, so whatever lies above is not worth it.
pub(super) fn hull(outcomes: &[(usize, Outcome)]) -> Vec<usize> {
    let point = |outcome: &Outcome| (outcome.violation_share, outcome.replica_hours_per_day);
    let mut points: Vec<_> = outcomes.iter().map(|(id, outcome)| (point(outcome), *id)).collect();
    points.sort_by(|((a, b), id), ((c, d), other)| {
        a.total_cmp(c).then(b.total_cmp(d)).then(id.cmp(other))
    });
    let mut hull: Vec<((f64, f64), usize)> = Vec::new();
    for (point, id) in points {
        if hull.last().is_some_and(|(last, _)| last.1 <= point.1) {
            continue; // more violations and no cheaper
        }
        while let [.., (a, _), (b, _)] = hull[..] {
            if (b.0 - a.0) * (point.1 - a.1) > (b.1 - a.1) * (point.0 - a.0) {
                break;
            }
            hull.pop();
        }
        hull.push((point, id));
    }
    hull.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_below_every_mixture_of_others_are_on_it() {
        let of = |violation_share, replica_hours_per_day| Outcome {
            violation_share,
            replica_hours_per_day,
        };
        let outcomes = [of(0.1, 1.0), of(0.0, 3.0), of(0.05, 2.5), of(0.2, 1.5), of(0.0, 3.0)];
        let numbered: Vec<_> = outcomes.into_iter().enumerate().collect();
        assert_eq!(hull(&numbered), [1, 0]);
        assert_eq!(hull(&[]), [0; 0]);
    }
}
