//! What a host hands in, checked: history at any times, and what is asked for.
//!
//! In: times and values side by side; a horizon and quantiles. Out: the first thing that is wrong
//! with them, or the readings one by one. Knows no model.

use crate::series::Resampler;
use crate::{Duration, Error, Timestamp};

/// No forecast reaches further than so many steps.
pub(super) const MOST_STEPS: usize = 10_000;

pub(super) fn too_far(horizon: usize) -> String {
    format!("is {horizon} steps, must be 1 to {MOST_STEPS}")
}

/// Checks history that comes after `last`.
///
/// # Errors
/// If the lengths differ, the times do not rise, or a value is negative or infinite.
pub(super) fn check_history(
    last: Option<Timestamp>,
    times: &[Timestamp],
    values: &[Option<f64>],
) -> Result<(), Error> {
    if times.len() != values.len() {
        let message = format!("has {} entries, but there are {} times", values.len(), times.len());
        return Err(Error::observation("values", message));
    }
    let mut before = last;
    for (index, &at) in times.iter().enumerate() {
        if let Some(before) = before.filter(|&before| at <= before) {
            let (at, before) = (at.as_millis(), before.as_millis());
            let message = format!("is {at} ms, must be after the {before} ms before it");
            return Err(Error::observation(format!("times[{index}]"), message));
        }
        before = Some(at);
    }
    let wrong = |value: &Option<f64>| value.is_some_and(|v| v < 0.0 || v.is_infinite());
    if let Some(at) = values.iter().position(wrong) {
        let value = values[at].unwrap_or_default();
        let message = format!("is {value}, must be a finite number from 0 up, or missing");
        return Err(Error::observation(format!("values[{at}]"), message));
    }
    Ok(())
}

/// So many values of a regressor are kept, the latest: two months of minutes.
pub(super) const MOST_VALUES: usize = 100_000;

/// Checks values of a regressor.
///
/// # Errors
/// If the lengths differ or are above [`MOST_VALUES`], the times do not rise, or a value is not finite.
pub(super) fn check_told(times: &[Timestamp], values: &[f64]) -> Result<(), Error> {
    if times.len() != values.len() {
        let message = format!("has {} entries, but there are {} times", values.len(), times.len());
        return Err(Error::observation("values", message));
    }
    if times.len() > MOST_VALUES {
        let message = format!("has {} entries, must be at most {MOST_VALUES}", times.len());
        return Err(Error::observation("values", message));
    }
    if let Some(at) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
        let message = format!("is {} ms, must be after the one before", times[at + 1].as_millis());
        return Err(Error::observation(format!("times[{}]", at + 1), message));
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let message = format!("is {}, must be finite", values[at]);
        return Err(Error::observation(format!("values[{at}]"), message));
    }
    Ok(())
}

/// A way to hand checked history to who observes it, step by step.
pub(super) type Fill =
    fn(&[Timestamp], &[Option<f64>], Duration, &mut dyn FnMut(Timestamp, Option<f64>));

/// Hands checked history to `observe`; `None` and NaN are missing values.
///
/// Where it lies on a coarser grid than `step`, the load between two of its samples is taken along a
/// line; what is missing in it stays missing.
pub(super) fn along_lines(
    times: &[Timestamp],
    values: &[Option<f64>],
    step: Duration,
    observe: &mut dyn FnMut(Timestamp, Option<f64>),
) {
    let value = |index: usize| values.get(index).copied().flatten().filter(|load| !load.is_nan());
    let grid = typical_distance(times);
    for (index, &at) in times.iter().enumerate() {
        observe(at, value(index));
        let next = times.get(index + 1).zip(value(index + 1));
        if let (Some(before), Some((until, after))) = (value(index), next) {
            let distance = until.since(at);
            let n_steps = distance.as_millis() / step.as_millis();
            // However far two times lie apart, the way between them has an end.
            let is_line = distance <= grid && n_steps <= Resampler::MOST_MISSING;
            for ahead in 1..if is_line { n_steps } else { 0 } {
                let share = ahead as f64 / n_steps as f64;
                observe(at + step.times(ahead), Some(before + (after - before) * share));
            }
        }
    }
}

/// Hands checked history to `observe`; `None` and NaN are missing values.
///
/// Where it lies on a coarser grid than `step`, each value holds until the next one, the last for as
/// long as they usually lie apart; what is missing in it stays missing.
pub(super) fn along_steps(
    times: &[Timestamp],
    values: &[Option<f64>],
    step: Duration,
    observe: &mut dyn FnMut(Timestamp, Option<f64>),
) {
    let grid = typical_distance(times);
    for (index, &at) in times.iter().enumerate() {
        let value = values.get(index).copied().flatten().filter(|load| !load.is_nan());
        observe(at, value);
        let distance = times.get(index + 1).map_or(grid, |next| next.since(at));
        let n_steps = distance.as_millis() / step.as_millis();
        // However far two times lie apart, the way between them has an end.
        let is_known = value.is_some() && distance <= grid && n_steps <= Resampler::MOST_MISSING;
        for ahead in 1..if is_known { n_steps } else { 0 } {
            observe(at + step.times(ahead), value);
        }
    }
}

/// The median distance between two times; zero where there are fewer than two.
fn typical_distance(times: &[Timestamp]) -> Duration {
    let mut distances: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().unwrap_or_default()
}

/// Checks what is asked of a forecast, the horizon in steps.
///
/// # Errors
/// If the horizon is not 1 to [`MOST_STEPS`], or the quantiles do not rise within (0, 1).
pub(super) fn check_request(horizon: usize, quantiles: &[f64]) -> Result<(), Error> {
    if horizon == 0 || horizon > MOST_STEPS {
        return Err(Error::observation("horizon", too_far(horizon)));
    }
    if quantiles.is_empty() {
        return Err(Error::observation("quantiles", "is empty, must name one at least"));
    }
    for (at, &quantile) in quantiles.iter().enumerate() {
        let before = if at == 0 { 0.0 } else { quantiles[at - 1] };
        if !(quantile > before && quantile < 1.0) {
            let message = format!("is {quantile}, must be above {before} and below 1");
            return Err(Error::observation(format!("quantiles[{at}]"), message));
        }
    }
    Ok(())
}
