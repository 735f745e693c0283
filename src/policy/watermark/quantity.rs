//! Numbers as the whole thousandths that Kubernetes quantities are reckoned in.
//!
//! In: a number from a reading or a setting. Out: an integer, or nothing where there is none.

/// A number as whole thousandths, rounded up as Kubernetes quantities are; `None` if it is not
/// finite or too large.
///
/// ```
/// use forescale::policy::watermark::quantity::thousandths;
///
/// assert_eq!(thousandths(0.07), Some(70)); // although 0.07 * 1000.0 > 70.0
/// assert_eq!(thousandths(0.0001), Some(1));
/// assert_eq!(thousandths(f64::NAN), None);
/// ```
#[must_use]
pub fn thousandths(number: f64) -> Option<i64> {
    // Beyond 2^53 a binary64 does not tell whole numbers apart.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let scaled = number * 1000.0;
    if scaled.is_nan() || scaled.abs() > LARGEST {
        return None;
    }
    // A quantity is a decimal text: the noise of the product must not lift it by one.
    let nearest = scaled.round();
    let noise = 4.0 * f64::EPSILON * scaled.abs();
    let kept = if (scaled - nearest).abs() <= noise { nearest } else { scaled.ceil() };
    Some(kept as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_round_up_but_not_for_noise() {
        for hundredth in 0..10_000 {
            let number = f64::from(hundredth) / 100.0;
            assert_eq!(thousandths(number), Some(i64::from(hundredth) * 10), "{number}");
        }
        assert_eq!(thousandths(1.0001), Some(1001));
        assert_eq!(thousandths(1e300), None);
    }
}
