//! Small systems of linear equations.
//!
//! In: a symmetric matrix and a right-hand side. Out: the solution. Knows nothing of loads.

use wide::f64x4;

/// So many numbers of a row are worked on at once.
pub(super) const LANES: usize = 4;

/// A row of a matrix; what stands right of the diagonal does not matter.
pub(super) type Row<const QUADS: usize> = [[f64; LANES]; QUADS];

/// Solves `matrix * x = b` in place by Cholesky's decomposition without roots, `b` becoming `x`.
///
/// `matrix` has as many rows as `b` has entries, and is positive definite; only its lower half is
/// read. If it is not, or numbers overflow, `b` becomes NaN.
pub(super) fn solve<const QUADS: usize>(matrix: &mut [Row<QUADS>], b: &mut [f64]) {
    let n = b.len();
    // From the last one on each row is taken from all above it, so that no number waits for the one
    // before. What then stands right of the diagonal is not read.
    for i in (0..n).rev() {
        let (above, row) = matrix.split_at_mut(i);
        let row = &mut row[0];
        let pivot = row.as_flattened()[i];
        let inverse = if pivot > 0.0 { 1.0 / pivot } else { f64::NAN };
        let taken = *row;
        for quad in &mut row[..=i / LANES] {
            *quad = (f64x4::new(*quad) * inverse).to_array();
        }
        let times = &row.as_flattened()[..i];
        let (before, known) = b.split_at_mut(i);
        for (left, times) in before.iter_mut().zip(times) {
            *left -= times * known[0];
        }
        known[0] *= inverse;
        // Up to the diagonal, and what a whole quad takes along.
        for block in 0..QUADS {
            let rows = block * LANES..i.min((block + 1) * LANES);
            for k in rows {
                for (quad, &other) in above[k].iter_mut().zip(&taken).take(block + 1) {
                    *quad = (f64x4::new(*quad) - f64x4::new(other) * times[k]).to_array();
                }
            }
        }
    }
    for i in 0..n {
        let (known, rest) = b.split_at_mut(i + 1);
        for (left, row) in rest.iter_mut().zip(&matrix[i + 1..]) {
            *left -= row.as_flattened()[i] * known[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn the_solution_solves() {
        let mut matrix = [[[4.0, 0.0, 0.0, 0.0]], [[2.0, 5.0, 0.0, 0.0]], [[2.0, 3.0, 6.0, 0.0]]];
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
        solve(&mut [[[1.0, 0.0, 0.0, 0.0]], [[2.0, 1.0, 0.0, 0.0]]], &mut b);
        assert!(b.iter().all(|x| x.is_nan()));
    }
}
