//! A long series as a few points that look the same.
//!
//! In: a value for each interval. Out: points of a line, at most two a bucket. Knows no picture.

/// The points of a line through `values`, `(index, value)`: of each of the `n_buckets` stretches the
/// lowest and the highest, in the order in which they came. So no peak is lost, however narrow.
pub(super) fn thin(values: &[f64], n_buckets: usize) -> Vec<(usize, f64)> {
    if values.len() <= 2 * n_buckets {
        return values.iter().copied().enumerate().collect();
    }
    let mut points = Vec::with_capacity(2 * n_buckets);
    for bucket in 0..n_buckets {
        let from = bucket * values.len() / n_buckets;
        let until = (bucket + 1) * values.len() / n_buckets;
        let stretch = || (from..until).map(|index| (index, values[index]));
        let lowest = stretch().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = stretch().max_by(|a, b| a.1.total_cmp(&b.1));
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            points.push(if lowest.0 < highest.0 { lowest } else { highest });
            if lowest.0 != highest.0 {
                points.push(if lowest.0 < highest.0 { highest } else { lowest });
            }
        }
    }
    points
}

/// The points of stairs: a value holds until the next one. Runs of the same value are two points.
pub(super) fn stairs(values: &[f64]) -> Vec<(usize, f64)> {
    let mut points: Vec<(usize, f64)> = Vec::new();
    for (index, &value) in values.iter().enumerate() {
        match points.last() {
            Some(&(_, before)) if before == value => {}
            before => {
                if let Some(&(_, before)) = before {
                    points.push((index, before));
                }
                points.push((index, value));
            }
        }
    }
    if let Some(&(_, last)) = points.last() {
        points.push((values.len(), last));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost() {
        let mut values = vec![1.0; 10_000];
        values[4_321] = 9.0;
        values[4_322] = 0.0;
        let points = thin(&values, 100);
        assert!(points.len() <= 200);
        assert!(points.contains(&(4_321, 9.0)) && points.contains(&(4_322, 0.0)));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn stairs_hold_until_the_next_value() {
        let want = [(0, 2.0), (2, 2.0), (2, 3.0), (3, 3.0)];
        assert_eq!(stairs(&[2.0, 2.0, 3.0]), want);
    }
}
