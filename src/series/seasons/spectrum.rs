//! Which periods are worth a test: the peaks of the spectrum above their surroundings.
//!
//! In: the prepared history. Out: a few periods in bins of the grid. Decides nothing.

use std::sync::{Arc, OnceLock};

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::grid::MOST_BINS;

/// A spectrum has at least so many bins, and twice as many as the grid up to [`MOST_BINS`].
const LEAST_BINS: usize = 128;

/// So many periods are handed on.
pub(super) const MOST_PEAKS: usize = 4;

/// A peak stands out of its surroundings by this factor: half of white noises have none.
const LEAST_HEIGHT: f64 = 6.0;

/// A season off the calendar has come so often at least.
const LEAST_CYCLES: f64 = 3.0;

/// Memory that is used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Spectrum {
    windowed: Vec<f64>,
    waves: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// Power up to and without the frequency of that index.
    sums: Vec<f64>,
}

impl Spectrum {
    /// The periods of the highest peaks, the highest first, without harmonics of each other.
    ///
    /// `known`: periods that are tested anyhow, with their harmonics.
    pub(super) fn peaks(&mut self, grid: &[f64], known: &[f64], peaks: &mut Vec<f64>) {
        peaks.clear();
        let n_bins = (2 * grid.len()).next_power_of_two().clamp(LEAST_BINS, MOST_BINS);
        self.power(grid, n_bins);
        // Frequencies apart by less than that are not told apart.
        let resolution = n_bins as f64 / grid.len() as f64;
        let first = ((LEAST_CYCLES * resolution).ceil() as usize).max(2);
        let mut highest = [(0.0, 0.0); 2 * MOST_PEAKS];
        let power = |at: usize| self.sums[at + 1] - self.sums[at];
        let (mut here, mut after) = (power(first - 1), power(first));
        for at in first..=n_bins / 4 {
            let before = here;
            (here, after) = (after, power(at + 1));
            if here < before || here <= after {
                continue;
            }
            let height = here / self.surroundings(at, resolution).max(f64::MIN_POSITIVE);
            if height < LEAST_HEIGHT || height <= highest[highest.len() - 1].0 {
                continue;
            }
            // The top of the parabola through the three.
            let curve = before - 2.0 * here + after;
            let aside = if curve < 0.0 { (before - after) / (2.0 * curve) } else { 0.0 };
            // Rounded, so that the last bit of a sine decides nothing.
            let frequency = ((at as f64 + aside) * 64.0).round() / 64.0;
            if known
                .iter()
                .any(|&period| is_harmonic(frequency, n_bins as f64 / period, 1.2 * resolution))
            {
                continue;
            }
            let place = highest.partition_point(|&(higher, _)| higher >= height);
            highest[place..].rotate_right(1);
            highest[place] = (height, frequency);
        }
        for &(height, frequency) in &highest {
            let of_another = |&(other, slower): &(f64, f64)| {
                other > 0.0
                    && slower < 0.9 * frequency
                    && is_harmonic(frequency, slower, resolution)
            };
            if height > 0.0 && peaks.len() < MOST_PEAKS && !highest.iter().any(of_another) {
                peaks.push(n_bins as f64 / frequency);
            }
        }
    }

    /// The summed power of the whitened and windowed grid.
    fn power(&mut self, grid: &[f64], n_bins: usize) {
        let (mut squares, mut products, mut before) = (0.0, 0.0, 0.0);
        for &value in grid {
            let value = if value.is_nan() { 0.0 } else { value };
            squares += value * value;
            products += value * before;
            before = value;
        }
        let memory = (products / squares.max(f64::MIN_POSITIVE)).clamp(0.0, 0.99);
        self.windowed.clear();
        let (half, mut before) = (grid.len() as f64 / 2.0, f64::NAN);
        for (at, &value) in grid.iter().enumerate() {
            // (1 - x^2)^2 falls off as Hann's window does, without a cosine for each sample.
            let aside = (at as f64 + 0.5) / half - 1.0;
            let window = 1.0 - aside * aside;
            let white = value - memory * before;
            self.windowed.push(if white.is_nan() { 0.0 } else { white * window * window });
            before = value;
        }
        self.windowed.resize(n_bins, 0.0);
        let plan = plan(n_bins);
        self.waves.resize(n_bins / 2 + 1, Complex::default());
        self.scratch.resize(plan.get_scratch_len(), Complex::default());
        plan.process_with_scratch(&mut self.windowed, &mut self.waves, &mut self.scratch)
            .expect("the lengths are those of the plan");
        self.sums.clear();
        let mut sum = 0.0;
        self.sums.push(sum);
        for wave in &self.waves {
            // To single precision: what is equal up to rounding stays equal.
            sum += f64::from(wave.norm_sqr() as f32);
            self.sums.push(sum);
        }
    }

    /// The mean power around a frequency, without itself.
    fn surroundings(&self, at: usize, resolution: f64) -> f64 {
        let (center, near) = (at as f64, 2.5 * resolution);
        let index = |frequency: f64| (frequency.max(1.0) as usize).min(self.sums.len() - 1);
        let outer = [index(center / 1.4 - 2.0 * near), index(center * 1.4 + 2.0 * near)];
        let inner = [index(center - near).max(outer[0]), index(center + near).min(outer[1])];
        let power = (self.sums[outer[1]] - self.sums[outer[0]])
            - (self.sums[inner[1]] - self.sums[inner[0]]);
        let n = (outer[1] - outer[0]) - (inner[1] - inner[0]);
        power.max(0.0) / n.max(1) as f64
    }
}

/// Whether a frequency is one of the first twelve multiples of another, to within a distance, or a
/// quarter of the other where that is less.
pub(super) fn is_harmonic(frequency: f64, fundamental: f64, distance: f64) -> bool {
    let times = (frequency / fundamental).round();
    (1.0..=12.0).contains(&times)
        && (frequency - times * fundamental).abs() <= distance.min(0.25 * fundamental)
}

/// One plan for each length, for all: its tables cost more than a search.
fn plan(n_bins: usize) -> &'static Arc<dyn RealToComplex<f64>> {
    const N: usize = (MOST_BINS / LEAST_BINS).ilog2() as usize + 1;
    static PLANS: [OnceLock<Arc<dyn RealToComplex<f64>>>; N] = [const { OnceLock::new() }; N];
    let plan = &PLANS[(n_bins / LEAST_BINS).ilog2() as usize];
    plan.get_or_init(|| RealFftPlanner::new().plan_fft_forward(n_bins))
}
