//! Kubernetes quantities (`500m`, `1Gi`, `2e3`), to the thousandth.
//!
//! In: a text. Out: thousandths as a whole number, rounded up as the HPA rounds
//! (`Quantity.MilliValue`), and whether that lost anything. Knows nothing of metrics.

/// A quantity that is not negative, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Thousandths, rounded up.
    pub(super) milli: u64,
    /// Whether nothing was lost by the rounding.
    pub(super) is_exact: bool,
}

/// As Kubernetes' own limit, 2^63 - 1.
const MOST_MILLI: u128 = i64::MAX as u128;

impl Quantity {
    /// From its text.
    ///
    /// # Errors
    /// What must be instead, for a text that is no quantity, is negative or too large.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be a quantity such as 500m, 1.5, 2k or 1Gi";
        if text.starts_with('-') {
            return Err("must not be negative");
        }
        let body = text.strip_prefix('+').unwrap_or(text);
        let end = body.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len());
        let (number, suffix) = body.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(FORM);
        }
        // The value is digits * 10^tens * 2^twos.
        let (power, twos) = power(suffix).ok_or(FORM)?;
        let kept = fraction.trim_end_matches('0');
        let digits = format!("{whole}{kept}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self { milli: 0, is_exact: true });
        }
        const TOO_LARGE: &str = "is too large a quantity";
        const TOO_FINE: &str = "has too many digits";
        if digits.len() > 24 {
            return Err(TOO_FINE);
        }
        let digits: u128 = digits.parse().map_err(|_| FORM)?;
        let tens = power + 3 - i32::try_from(kept.len()).map_err(|_| TOO_FINE)?;
        let scaled = digits.checked_shl(twos).filter(|scaled| scaled >> twos == digits);
        let scaled = scaled.ok_or(TOO_LARGE)?;
        let (milli, is_exact) = if tens >= 0 {
            let factor = 10_u128.checked_pow(tens.unsigned_abs()).ok_or(TOO_LARGE)?;
            (scaled.checked_mul(factor).ok_or(TOO_LARGE)?, true)
        } else {
            match 10_u128.checked_pow(tens.unsigned_abs()) {
                Some(factor) => (scaled.div_ceil(factor), scaled % factor == 0),
                None => (1, false),
            }
        };
        if milli > MOST_MILLI {
            return Err(TOO_LARGE);
        }
        Ok(Self { milli: milli as u64, is_exact })
    }

    /// In units.
    pub(super) fn value(self) -> f64 {
        self.milli as f64 / 1000.0
    }
}

/// The powers of ten and of two that a suffix stands for.
fn power(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        other => {
            let exponent = other.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (exponent.parse::<i32>().ok().filter(|power| power.abs() <= 60)?, 0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact_to_the_thousandth() {
        for (text, milli, is_exact) in [
            ("500m", 500, true),
            ("1Gi", 1_073_741_824_000, true),
            ("1e3", 1_000_000, true),
            ("1E3", 1_000_000, true),
            ("1E", 0, false), // refused below: too large
            ("2k", 2_000_000, true),
            ("1.5", 1500, true),
            (".5", 500, true),
            ("5.", 5000, true),
            ("+3", 3000, true),
            ("0", 0, true),
            ("000.100", 100, true),
            ("1.5Ki", 1_536_000, true),
            ("100n", 1, false), // up, as the HPA
            ("1.0001", 1001, false),
            ("12e-1", 1200, true),
            ("1u", 1, false),
            ("1000u", 1, true),
        ] {
            match Quantity::parse(text) {
                Ok(quantity) => assert_eq!(quantity, Quantity { milli, is_exact }, "{text}"),
                Err(_) => assert_eq!(text, "1E"),
            }
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "",
            "m",
            ".",
            "1.2.3",
            "-1",
            "-500m",
            "1 Gi",
            "1gi",
            "1K",
            "0x10",
            "1e",
            "1e+",
            "1e1.5",
            "NaN",
            "inf",
            "1Gi1",
            "9223372036854775808k",
            "1e999999999999",
            "१",
            "1e99",
            "99999999999999999999999999999",
        ] {
            assert!(Quantity::parse(text).is_err(), "{text}");
        }
    }
}
