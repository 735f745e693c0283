//! Small systems of linear equations.
//!
//! In: a symmetric matrix and a right-hand side. Out: the solution. Knows nothing of loads.

/// Solves `matrix * x = b` in place by Cholesky's decomposition, `b` becoming `x`.
///
/// `matrix` is row-major, of as many rows as `b` has entries, and positive definite; only its lower
/// half is read. If it is not, or numbers overflow, `b` becomes NaN.
#[inline(always)] // where the size is known, loops become straight vector code
pub(super) fn solve(matrix: &mut [f64], b: &mut [f64]) {
    let n = b.len();
    // From the last one on each row is taken from all above it, so that no number waits for the one
    // before. What then stands right of the diagonal is not read.
    for i in (0..n).rev() {
        let (above, row) = matrix.split_at_mut(i * n);
        let row = &mut row[..n];
        let scale = 1.0 / row[i].sqrt();
        row.iter_mut().for_each(|value| *value *= scale);
        b[i] *= scale;
        let (before, known) = b.split_at_mut(i);
        take(before, &row[..i], known[0]);
        for (block, others) in above.chunks_mut(n * LANES).enumerate() {
            // Up to the diagonal, and what a whole number of lanes takes along.
            let read = &row[..((block + 1) * LANES).min(n)];
            for (other, &times) in others.chunks_exact_mut(n).zip(&row[block * LANES..]) {
                take(&mut other[..read.len()], read, times);
            }
        }
    }
    for i in 0..n {
        let row = &matrix[i * n..(i + 1) * n];
        let known = row[..i].iter().zip(&*b).fold(b[i], |left, (value, x)| left - value * x);
        b[i] = known / row[i];
    }
}

/// So many numbers of a row are worked on at once.
const LANES: usize = 4;

/// Takes so many times `from` from `row`.
#[inline(always)]
fn take(row: &mut [f64], from: &[f64], times: f64) {
    let ((quads, rest), (others, last)) = (row.as_chunks_mut::<LANES>(), from.as_chunks::<LANES>());
    for (quad, other) in quads.iter_mut().zip(others) {
        let before = *quad;
        *quad = std::array::from_fn(|lane| before[lane] - times * other[lane]);
    }
    for (value, other) in rest.iter_mut().zip(last) {
        *value -= times * other;
    }
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn the_solution_solves() {
        let mut matrix = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 2.0, 3.0, 6.0];
        // Of x = (1, 2, 3): 4 + 4 + 6, 2 + 10 + 9, 2 + 6 + 18.
        let mut b = [14.0, 21.0, 26.0];
        solve(&mut matrix, &mut b);
        for (x, want) in b.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((x - want).abs() < 1e-12, "{x} for {want}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_gives_no_number() {
        let mut b = [1.0, 1.0];
        solve(&mut [1.0, 0.0, 2.0, 1.0], &mut b);
        assert!(b.iter().all(|x| x.is_nan()));
    }
}
