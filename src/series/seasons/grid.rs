//! A history made ready for the search: short, without spikes and without a line.
//!
//! In: samples, missing ones as NaN. Out: at most [`MOST_BINS`] values of unit variance on an even
//! grid, missing ones as NaN.

/// So many bins a history is cut into at most.
pub(super) const MOST_BINS: usize = 2048;

/// So few values say nothing.
const LEAST_VALUES: usize = 16;

/// The share of values at each end that are pulled to the next one inside: a spike in a hundred
/// samples weighs nothing, a peak of a quarter of an hour each day still does.
const CLIPPED: f64 = 0.01;

/// Writes the means of each `bin` samples, counted from the last one, into `grid`, clipped, their
/// square roots taken (of the distance from the lowest), their line removed, their variance 1.
/// `false`: nothing moves, or too little is known.
pub(super) fn prepare(
    values: &[f64],
    bin: usize,
    sorted: &mut Vec<f64>,
    grid: &mut Vec<f64>,
) -> bool {
    grid.clear();
    sorted.clear();
    let whole = &values[values.len() % bin..];
    grid.extend(whole.chunks_exact(bin).map(mean));
    sorted.extend(grid.iter().copied().filter(|value| !value.is_nan()));
    // A third of the grid, so that what is missing cannot make the season.
    if sorted.len() < LEAST_VALUES.max(grid.len() / 3) {
        return false;
    }
    let (low, high) = ends(sorted);
    if high - low <= 1e-9 * low.abs().max(high.abs()) {
        return false;
    }
    for value in grid.iter_mut() {
        *value = ((value.clamp(low, high) - low) / (high - low)).sqrt();
    }
    straighten(grid)
}

/// The mean of the finite values, each kept where a sum stays finite; NaN without any.
fn mean(samples: &[f64]) -> f64 {
    const MOST: f64 = 1e300;
    let finite = samples.iter().filter(|value| value.is_finite());
    let (n, sum) =
        finite.fold((0_u32, 0.0), |(n, sum), value| (n + 1, sum + value.clamp(-MOST, MOST)));
    if n == 0 { f64::NAN } else { sum / f64::from(n) }
}

/// Where the values are clipped.
fn ends(values: &mut [f64]) -> (f64, f64) {
    // One at least, so that one spike in a short history goes too.
    let cut = ((values.len() as f64 * CLIPPED) as usize).max(1);
    let (_, &mut low, above) = values.select_nth_unstable_by(cut, f64::total_cmp);
    let at = above.len() - 1 - cut;
    let (_, &mut high, _) = above.select_nth_unstable_by(at, f64::total_cmp);
    (low, high)
}

/// Removes mean and line, and scales to unit variance; `false` if nothing is left.
fn straighten(grid: &mut [f64]) -> bool {
    let middle = (grid.len() as f64 - 1.0) / 2.0;
    let (mut n, mut sum, mut times, mut squares, mut products) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (at, &value) in grid.iter().enumerate() {
        if !value.is_nan() {
            let time = at as f64 - middle;
            n += 1.0;
            sum += value;
            times += time;
            squares += time * time;
            products += time * value;
        }
    }
    let (mean, time) = (sum / n, times / n);
    let slope = (products - sum * time) / (squares - times * time).max(f64::MIN_POSITIVE);
    let (mut before, mut after) = (0.0, 0.0);
    for (at, value) in grid.iter_mut().enumerate() {
        if !value.is_nan() {
            before += (*value - mean) * (*value - mean);
            *value -= mean + slope * (at as f64 - middle - time);
            after += *value * *value;
        }
    }
    // A line and the rounding on it.
    if after <= 1e-12 * before || after <= 0.0 {
        return false;
    }
    let scale = (n / after).sqrt();
    grid.iter_mut().for_each(|value| *value *= scale);
    true
}
