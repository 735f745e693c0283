//! Amounts of a resource as whole numbers: millicores of CPU, bytes of memory.
//!
//! In: numbers as they come out of a calculation. Out: amounts within a range. Knows no samples.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The largest amount that a number is turned into, as in the VPA: 10^14 millicores or bytes. As
/// an upper bound it says that none is known yet.
pub const MOST: i64 = 100_000_000_000_000;

/// A number as an amount: the fraction is dropped, from 0 to [`MOST`].
///
/// What is no number is 0, where the VPA's answer depends on the processor.
///
/// ```
/// use forescale::size::amount::{MOST, amount};
///
/// assert_eq!([amount(615.35), amount(-1.0), amount(1e20)], [615, 0, MOST]);
/// ```
#[must_use]
pub fn amount(number: f64) -> i64 {
    number.clamp(0.0, MOST as f64) as i64
}

/// Cores as millicores, see [`amount`].
///
/// ```
/// assert_eq!(forescale::size::amount::millicores(0.00455), 4);
/// ```
#[must_use]
pub fn millicores(cores: f64) -> i64 {
    amount(cores * 1000.0)
}

/// The smallest multiple of `scale` that is not below the amount. As in the VPA the multiple is
/// found by a division of binary64 numbers.
///
/// ```
/// use forescale::size::amount::round_up;
///
/// assert_eq!(round_up(1000, 3)?, 1002);
/// assert!(round_up(1000, 0).is_err());
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// If `scale` is not above 0.
pub fn round_up(amount: i64, scale: i64) -> Result<i64, Error> {
    if scale <= 0 {
        return Err(Error::config("scale", format!("is {scale}, must be above 0")));
    }
    Ok(((amount as f64 / scale as f64).ceil() as i64).saturating_mul(scale))
}

/// An amount of each resource; `None` for one that is left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Amounts {
    /// CPU in millicores, from 0 up.
    pub cpu: Option<i64>,
    /// Memory in bytes, from 0 up.
    pub memory: Option<i64>,
}

impl Amounts {
    /// The larger of the two in each resource that has an amount here.
    ///
    /// ```
    /// use forescale::size::amount::Amounts;
    ///
    /// let least = Amounts { cpu: Some(25), memory: Some(250) };
    /// let asked = Amounts { cpu: Some(10), memory: None };
    /// assert_eq!(asked.at_least(least), Amounts { cpu: Some(25), memory: None });
    /// ```
    #[must_use]
    pub fn at_least(self, least: Self) -> Self {
        let larger =
            |own: Option<i64>, least: Option<i64>| own.map(|own| own.max(least.unwrap_or(own)));
        Self { cpu: larger(self.cpu, least.cpu), memory: larger(self.memory, least.memory) }
    }
}

/// The least that each of `n_containers` is given of what a pod gets at least, which they share
/// equally; none counts as one.
///
/// ```
/// use forescale::size::amount::{Amounts, pod_minimums};
///
/// let each = pod_minimums(25.0, 250.0, 2);
/// assert_eq!(each, Amounts { cpu: Some(12), memory: Some(125 * 1024 * 1024) });
/// ```
#[must_use]
pub fn pod_minimums(cpu_millicores: f64, memory_mib: f64, n_containers: usize) -> Amounts {
    let fraction = 1.0 / n_containers.max(1) as f64;
    let share = |whole: i64| Some(amount(whole as f64 * fraction));
    Amounts {
        cpu: share(amount(cpu_millicores)),
        memory: share(amount(memory_mib * 1024.0 * 1024.0)),
    }
}
