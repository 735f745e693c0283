//! Small systems of linear equations.
//!
//! In: a symmetric matrix and a right-hand side. Out: the solution. Knows nothing of loads.

/// Solves `matrix * x = b` in place by Cholesky's decomposition, `b` becoming `x`.
///
/// `matrix` is row-major, of as many rows as `b` has entries, and positive definite; only its lower
/// half is read. If it is not, or numbers overflow, `b` becomes NaN.
pub(super) fn solve(matrix: &mut [f64], b: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        let (above, row) = matrix.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..j * n + j];
            let known: f64 = row[..j].iter().zip(other).map(|(a, b)| a * b).sum();
            row[j] = (row[j] - known) / above[j * n + j];
        }
        let known: f64 = row[..i].iter().map(|a| a * a).sum();
        row[i] = (row[i] - known).sqrt();
        let known: f64 = row[..i].iter().zip(&*b).map(|(a, b)| a * b).sum();
        b[i] = (b[i] - known) / row[i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| matrix[k * n + i] * b[k]).sum();
        b[i] = (b[i] - known) / matrix[i * n + i];
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
