//! Whether cycles of a given length resemble each other more than chance allows.
//!
//! In: the prepared history and a period. Out: the mean cycle, how much of the variance it explains,
//! and the probability of as much likeness by chance.
//!
//! The history is cut into cycles and each cycle into phases. What is slower than the cycle is
//! removed (a line between the means of neighboring cycles), what is left is made white (the first
//! order autoregression of what the mean cycle does not explain), and each block of cycles is split
//! into harmonics. In noise of any color the harmonics of different blocks have independent phases,
//! so that the coherence `R = |sum z|^2 / (n sum |z|^2)` of `n` blocks is a Beta(1, n - 1) number,
//! with `P(R > r) = (1 - r)^(n - 1)`: the test of magnitude-squared coherence against the frequencies
//! between the harmonics, that is, against the autocorrelation at whole cycles. The harmonics are
//! joined by Fisher's method (1932). It is the probability that shuffling, rolling each block by a
//! random phase, converges to, at a thousandth of its cost; a test holds the two together.

use std::f64::consts::TAU;

/// So many phases a cycle has at most.
const MOST_PHASES: usize = 32;

/// So many blocks of cycles at most: more hardly sharpen the test.
const MOST_BLOCKS: usize = 16;

/// So many harmonics are looked at.
pub(super) const MOST_HARMONICS: usize = 8;

/// The sums of harmonics that are tried, and pay for it.
const JOINED: [usize; 3] = [1, 3, MOST_HARMONICS];

/// What folding a history at one period shows.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// In bins of the grid.
    pub(super) period: f64,
    /// The variance that the mean cycle explains, without what a mean of noise would; that of the
    /// history is 1.
    pub(super) explained: f64,
    /// The same as a share of the variance around the moving level, 0 to 1.
    pub(super) strength: f64,
    /// The probability of as much likeness in noise.
    pub(super) p_value: f64,
    /// Where the first whole cycle begins.
    start: f64,
    n_phases: usize,
    mean_cycle: [f64; MOST_PHASES],
    n_harmonics: usize,
    /// The evidence of each harmonic, exponential with mean 1 in noise.
    evidence: [f64; MOST_HARMONICS],
}

/// Memory that is used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    values: Vec<f64>,
    levels: Vec<f64>,
    white: Vec<f64>,
}

/// Folds `grid` at `period` bins; `None` if that is less than four bins or more than half of it.
pub(super) fn fold(grid: &[f64], period: f64, cells: &mut Cells) -> Option<Folded> {
    let n_cycles = (grid.len() as f64 / period + 1e-9) as usize;
    if period.is_nan() || period < 4.0 || n_cycles < 2 {
        return None;
    }
    let n_phases = ((period + 1e-6) as usize).min(MOST_PHASES);
    let start = (grid.len() as f64 - n_cycles as f64 * period).max(0.0);
    let inside = cells.cut(grid, start, period / n_phases as f64, n_cycles * n_phases);
    cells.level(n_phases);
    let (mean_cycle, n_known) = cells.mean_cycle(n_phases);
    let (rest, memory) = cells.rest(&mean_cycle, n_phases);
    // As in an analysis of variance: cycles and phases have been fitted.
    let freedom = n_known.saturating_sub(n_cycles + n_phases - 1).max(1);
    let between = mean_cycle[..n_phases].iter().map(|value| value * value).sum::<f64>();
    let by_chance = rest / freedom as f64 / n_cycles as f64;
    let between = between / n_phases as f64;
    let around = between + rest / n_known.max(1) as f64 + inside;
    let explained = (between - by_chance).max(0.0);
    let strength = if explained > 0.0 { (explained / around).min(1.0) } else { 0.0 };

    cells.whiten(memory);
    let n_harmonics = ((n_phases - 1) / 2).min(MOST_HARMONICS);
    let evidence = cells.coherence(n_cycles, n_phases, n_harmonics);
    let p_value = joined(&evidence[..n_harmonics]);
    Some(Folded {
        period,
        explained,
        strength,
        p_value,
        start,
        n_phases,
        mean_cycle,
        n_harmonics,
        evidence,
    })
}

impl Folded {
    /// Takes the mean cycle out of the grid.
    pub(super) fn subtract(&self, grid: &mut [f64]) {
        let scale = self.n_phases as f64 / self.period;
        let n_phases = self.n_phases as f64;
        // The middle of a phase is where its mean holds; between two, a line.
        let mut at = ((0.5 - self.start) * scale - 0.5).rem_euclid(n_phases);
        for value in grid {
            let phase = at as usize;
            let (this, next) = (
                phase.min(self.n_phases - 1),
                if phase + 1 < self.n_phases { phase + 1 } else { 0 },
            );
            let share = at - phase as f64;
            *value -= self.mean_cycle[this] * (1.0 - share) + self.mean_cycle[next] * share;
            at += scale;
            if at >= n_phases {
                at -= n_phases;
            }
        }
    }

    /// How many times faster the season may really be: the largest divisor of the harmonics
    /// without which little evidence is left; 1 if it is as fast as it seems.
    pub(super) fn divisor(&self) -> usize {
        let evidence = &self.evidence[..self.n_harmonics];
        let without = |divisor: usize| {
            let mut rest = [0.0; MOST_HARMONICS];
            let others = (1..).zip(evidence).filter(|(harmonic, _)| harmonic % divisor > 0);
            let n = others.zip(&mut rest).map(|((_, &one), rest)| *rest = one).count();
            gamma_tail(n, rest[..n].iter().sum())
        };
        (2..=self.n_harmonics).rev().find(|&divisor| without(divisor) > 0.01).unwrap_or(1)
    }
}

impl Cells {
    /// The means of so many cells of a width in bins; the variance inside of them.
    fn cut(&mut self, grid: &[f64], start: f64, width: f64, n_cells: usize) -> f64 {
        self.values.clear();
        // Half a bin more, cut off, is rounding without a call.
        let mut from = (start + 0.5) as usize;
        if width == 1.0 {
            self.values.extend_from_slice(&grid[from..from + n_cells]);
            return 0.0;
        }
        let mut end = start + 0.5;
        let (mut inside, mut n_inside) = (0.0, 0.0);
        for _ in 0..n_cells {
            end += width;
            let until = (end as usize).clamp(from, grid.len());
            let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
            for &value in &grid[from..until] {
                let known = !value.is_nan();
                n += if known { 1.0 } else { 0.0 };
                let value = if known { value } else { 0.0 };
                sum += value;
                squares += value * value;
            }
            // Without any it is 0 / 0, which is what missing looks like.
            let mean = sum / n;
            self.values.push(mean);
            if n > 0.0 {
                inside += squares - sum * mean;
                n_inside += n;
            }
            from = until;
        }
        if n_inside > 0.0 { (inside / n_inside).max(0.0) } else { 0.0 }
    }

    /// Removes what is slower than the cycle.
    fn level(&mut self, n_phases: usize) {
        self.levels.clear();
        let mut last = 0.0;
        for cycle in self.values.chunks_exact(n_phases) {
            last = known_mean(cycle.iter().copied()).unwrap_or(last);
            self.levels.push(last);
        }
        let half = n_phases as f64 / 2.0;
        let last = self.levels.len() - 1;
        for (cycle, values) in self.values.chunks_exact_mut(n_phases).enumerate() {
            let here = self.levels[cycle];
            // Beyond the first and the last middle the line goes on.
            let rise = |from: usize| (self.levels[from + 1] - self.levels[from]) / n_phases as f64;
            let (before, after) = (rise(cycle.saturating_sub(1)), rise(cycle.min(last - 1)));
            let mut place = 0.5 - half;
            for value in values {
                *value -= here + place * if place < 0.0 { before } else { after };
                place += 1.0;
            }
        }
    }

    /// The mean of each phase, zero on average, and how many cells are known.
    fn mean_cycle(&self, n_phases: usize) -> ([f64; MOST_PHASES], usize) {
        let (mut sums, mut counts) = ([0.0; MOST_PHASES], [0_u32; MOST_PHASES]);
        for cycle in self.values.chunks_exact(n_phases) {
            for (phase, &value) in cycle.iter().enumerate() {
                if !value.is_nan() {
                    sums[phase] += value;
                    counts[phase] += 1;
                }
            }
        }
        for (sum, &count) in sums.iter_mut().zip(&counts) {
            *sum /= f64::from(count.max(1));
        }
        let mean = sums[..n_phases].iter().sum::<f64>() / n_phases as f64;
        sums[..n_phases].iter_mut().for_each(|value| *value -= mean);
        (sums, counts.iter().sum::<u32>() as usize)
    }

    /// The sum of squares that the mean cycle leaves, and how much of the rest stays for a cell.
    fn rest(&self, mean_cycle: &[f64; MOST_PHASES], n_phases: usize) -> (f64, f64) {
        let (mut squares, mut products, mut before) = (0.0, 0.0, 0.0);
        for cycle in self.values.chunks_exact(n_phases) {
            for (&value, mean) in cycle.iter().zip(mean_cycle) {
                let rest = if value.is_nan() { 0.0 } else { value - mean };
                squares += rest * rest;
                products += rest * before;
                before = rest;
            }
        }
        let memory = if squares > 0.0 { products / squares } else { 0.0 };
        (squares, memory.clamp(0.0, 0.99))
    }

    /// Each cell without what it keeps of the one before.
    fn whiten(&mut self, memory: f64) {
        self.white.clear();
        let mut before = f64::NAN;
        for &value in &self.values {
            let white = value - memory * before;
            self.white.push(if white.is_nan() { 0.0 } else { white });
            before = value;
        }
    }

    /// The evidence `-(n - 1) ln(1 - R)` of each harmonic.
    fn coherence(
        &self,
        n_cycles: usize,
        n_phases: usize,
        n_harmonics: usize,
    ) -> [f64; MOST_HARMONICS] {
        let in_block = n_cycles.div_ceil(MOST_BLOCKS);
        let n_blocks = n_cycles / in_block;
        let skipped = (n_cycles - n_blocks * in_block) * n_phases;
        // A row a phase, a column a harmonic: the innermost loop has no dependency.
        let mut waves = [([0.0; MOST_HARMONICS], [0.0; MOST_HARMONICS]); MOST_PHASES];
        let mut circle = [(0.0, 0.0); MOST_PHASES];
        for (phase, wave) in circle[..n_phases].iter_mut().enumerate() {
            *wave = libm::sincos(TAU * phase as f64 / n_phases as f64);
        }
        for (phase, (cos, sin)) in waves[..n_phases].iter_mut().enumerate() {
            let mut at = 0;
            for harmonic in 0..n_harmonics {
                at += phase;
                if at >= n_phases {
                    at -= n_phases;
                }
                (sin[harmonic], cos[harmonic]) = circle[at];
            }
        }
        let mut sums = ([0.0; MOST_HARMONICS], [0.0; MOST_HARMONICS]);
        let mut powers = [0.0; MOST_HARMONICS];
        for block in self.white[skipped..].chunks_exact(in_block * n_phases) {
            let mut folded = [0.0; MOST_PHASES];
            for cycle in block.chunks_exact(n_phases) {
                for (sum, value) in folded.iter_mut().zip(cycle) {
                    *sum += value;
                }
            }
            let (mut re, mut im) = ([0.0; MOST_HARMONICS], [0.0; MOST_HARMONICS]);
            for (value, (cos, sin)) in folded[..n_phases].iter().zip(&waves) {
                for harmonic in 0..MOST_HARMONICS {
                    re[harmonic] += value * cos[harmonic];
                    im[harmonic] += value * sin[harmonic];
                }
            }
            for harmonic in 0..MOST_HARMONICS {
                sums.0[harmonic] += re[harmonic];
                sums.1[harmonic] += im[harmonic];
                powers[harmonic] += re[harmonic] * re[harmonic] + im[harmonic] * im[harmonic];
            }
        }
        let n = n_blocks as f64;
        let mut evidence = [0.0; MOST_HARMONICS];
        for harmonic in 0..n_harmonics {
            let (re, im, power) = (sums.0[harmonic], sums.1[harmonic], powers[harmonic]);
            if power > 0.0 {
                let apart = (1.0 - (re * re + im * im) / (n * power)).clamp(1e-12, 1.0);
                evidence[harmonic] = -(n - 1.0) * libm::log(apart);
            }
        }
        evidence
    }
}

/// The least probability of the first harmonic, the first three and all of them, paid for the
/// choice (Bonferroni).
fn joined(evidence: &[f64]) -> f64 {
    let mut least = 1.0_f64;
    let mut n_tried = 0.0;
    let mut before = 0;
    for n in JOINED {
        let n = n.min(evidence.len());
        if n > before {
            least = least.min(gamma_tail(n, evidence[..n].iter().sum()));
            n_tried += 1.0;
            before = n;
        }
    }
    (least * n_tried).min(1.0)
}

/// The probability that the sum of `n` exponential numbers of mean 1 is above `sum`.
fn gamma_tail(n: usize, sum: f64) -> f64 {
    let (mut term, mut total) = (1.0, 0.0);
    for k in 0..n {
        total += term;
        term *= sum / (k + 1) as f64;
    }
    (total * libm::exp(-sum)).min(1.0)
}

/// The mean of what is known.
fn known_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let known = values.filter(|value| !value.is_nan());
    let (n, sum) = known.fold((0_u32, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / f64::from(n))
}
