//! The kernel `fit`: what is learnt of many series at a few horizons.
//!
//! In: samples and their bits, time-major, and rates. Out: rows of numbers a series and horizon. Twin:
//! `forecast/batch/fit.rs`, with the same recurrences. Knows no load.

use std::sync::Arc;

use super::Seconds;
use super::clock::{Clock, seconds};
use super::device::{Coming, Failure, Gpu, Staging};
use super::quantiles::{self, SEARCH_BYTES};

/// The source of the kernel.
pub(crate) const SOURCE: &str = include_str!("fit.wgsl");

/// So many horizons at most.
pub(crate) const ANCHORS: usize = 6;

/// Invocations of a group, as both kernels have it.
const GROUP: u32 = 64;

/// Bytes of the kernel's `State`, of which there is one for a horizon.
pub(super) const STATE_BYTES: usize = 1072;

/// No invocation walks more steps a dispatch. With all loops, and a solution each eighth step, that
/// is a third of the 65,535 rounds after which Mesa's software driver ends all loops.
const MOST_STEPS: usize = 256;

/// No dispatch walks more steps in all: a tenth of a second where 200 Gflop/s come of it.
const MOST_WORK: usize = 1 << 24;

/// The kernel's `Params`: same fields, same order, all of four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Params {
    pub(crate) n_series: u32,
    pub(crate) n_samples: u32,
    pub(crate) season: u32,
    pub(crate) slow: u32,
    pub(crate) smoothed: u32,
    pub(crate) n_steps: u32,
    pub(crate) awake: u32,
    pub(crate) n_rows: u32,
    pub(crate) means: [f32; 4],
    pub(crate) away: [f32; 2],
    pub(crate) reserved: [u32; 2],
    pub(crate) anchors: [Anchor; ANCHORS],
}

/// The kernel's `Anchor`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Anchor {
    pub(crate) ahead: u32,
    pub(crate) spacing: u32,
    pub(crate) refit: u32,
    pub(crate) delay: u32,
    pub(crate) skip: u32,
    pub(crate) first: u32,
    pub(crate) loss: f32,
    pub(crate) ever: f32,
    pub(crate) lately: f32,
    pub(crate) growth: f32,
    pub(crate) ridge: f32,
    pub(crate) n_counted: u32,
}

impl Params {
    /// For a chunk of so many series.
    fn chunk(&self, n_series: usize, n_anchors: usize) -> Self {
        let n_steps = (MOST_WORK / (n_series * n_anchors).max(1)).clamp(1, MOST_STEPS);
        Self { n_series: n_series as u32, n_steps: n_steps as u32, ..*self }
    }

    /// As the kernel reads them, word by word.
    pub(crate) fn words(&self) -> Vec<u32> {
        let Self { n_series, n_samples, season, slow, smoothed, n_steps, awake, n_rows, .. } =
            *self;
        let mut words = vec![n_series, n_samples, season, slow, smoothed, n_steps, awake, n_rows];
        words.extend(self.means.iter().chain(&self.away).map(|rate| rate.to_bits()));
        words.extend(self.reserved);
        for anchor in &self.anchors {
            let Anchor { ahead, spacing, refit, delay, skip, first, .. } = *anchor;
            words.extend([ahead, spacing, refit, delay, skip, first]);
            let rates = [anchor.loss, anchor.ever, anchor.lately, anchor.growth, anchor.ridge];
            words.extend(rates.map(f32::to_bits));
            words.push(anchor.n_counted);
        }
        words
    }
}

/// The memory of the device for chunks of a panel, twice: while one chunk is worked on the next is
/// made ready.
#[derive(Debug)]
pub(crate) struct Session {
    gpu: Arc<Gpu>,
    kernels: Kernels,
    params: Params,
    n_anchors: usize,
    n_levels: usize,
    most_series: usize,
    slots: [Slot; 2],
}

#[derive(Debug)]
struct Kernels {
    fit: wgpu::ComputePipeline,
    quantiles: wgpu::ComputePipeline,
}

#[derive(Debug)]
struct Slot {
    params: wgpu::Buffer,
    of_quantiles: wgpu::Buffer,
    staging: Staging,
    samples: wgpu::Buffer,
    known: wgpu::Buffer,
    states: wgpu::Buffer,
    searches: wgpu::Buffer,
    rows: wgpu::Buffer,
    answer: wgpu::Buffer,
    fit: wgpu::BindGroup,
    quantiles: wgpu::BindGroup,
    clock: Clock,
    pending: Option<(usize, wgpu::SubmissionIndex, Coming)>,
}

impl Session {
    /// For panels of `params.n_samples`, `n_anchors` horizons whose errors are `n_errors` together, the
    /// quantiles `levels`, and `n_series` in all.
    ///
    /// # Errors
    /// If the device is lost, or a single series is longer than its memory.
    pub(crate) fn new(
        gpu: &Arc<Gpu>,
        params: Params,
        n_anchors: usize,
        n_errors: usize,
        levels: &[f32],
        n_series: usize,
    ) -> Result<Self, Failure> {
        let fit = gpu.kernel("fit", SOURCE)?;
        let kernels = Kernels { fit, quantiles: gpu.kernel("quantiles", quantiles::SOURCE)? };
        let n_levels = levels.len();
        let numbers = Numbers {
            samples: params.n_samples as usize,
            errors: n_errors,
            states: n_anchors * STATE_BYTES / 4,
            searches: 2 * n_anchors * n_levels.div_ceil(4) * SEARCH_BYTES / 4,
            rows: n_anchors * params.n_rows as usize,
        };
        let longest = numbers.longest();
        let fitting = usize::try_from(gpu.most_bytes() / 4).unwrap_or(usize::MAX) / longest.max(1);
        if fitting == 0 {
            let message = format!("{longest} numbers of one series are more than a buffer holds");
            return Err(Failure::Refused(message));
        }
        let most = if gpu.is_hardware() { MOST_SERIES } else { MOST_SERIES_IN_SOFTWARE };
        let most_series = fitting.min(most).min(n_series.max(1));
        let slot = || Slot::new(gpu, &kernels, &numbers, levels, most_series);
        let slots = [slot()?, slot()?];
        let gpu = Arc::clone(gpu);
        Ok(Self { gpu, kernels, params, n_anchors, n_levels, most_series, slots })
    }

    /// So many series a chunk.
    pub(crate) fn most_series(&self) -> usize {
        self.most_series
    }

    /// Sends a chunk: samples `[n_samples x n_series]` and their bits. Does not wait.
    ///
    /// # Errors
    /// If the device is lost or refuses.
    pub(crate) fn submit(
        &mut self,
        chunk: usize,
        n_series: usize,
        samples: &[f32],
        known: &[u32],
    ) -> Result<(), Failure> {
        let Self { gpu, kernels, params, n_anchors, n_levels, .. } = self;
        let slot = &mut self.slots[chunk % 2];
        let params = params.chunk(n_series, *n_anchors);
        let of_quantiles = quantiles::Params::new(&params, *n_anchors, *n_levels);
        let groups = (n_series as u32).div_ceil(GROUP);
        let n_anchors = *n_anchors as u32;
        let bytes = 4 * u64::from(params.n_rows * n_anchors) * n_series as u64;
        let clock = slot.clock.bytes();
        let (samples, known) = (bytemuck::cast_slice(samples), bytemuck::cast_slice(known));
        slot.staging.write(gpu, &[samples, known])?;
        let staged = [(&slot.samples, samples.len() as u64), (&slot.known, known.len() as u64)];
        let submission = gpu.checked(|| {
            gpu.queue.write_buffer(&slot.params, 0, bytemuck::cast_slice(&params.words()));
            let words = of_quantiles.words();
            gpu.queue.write_buffer(&slot.of_quantiles, 0, bytemuck::cast_slice(&words));
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            encoder.clear_buffer(&slot.states, 0, None);
            encoder.clear_buffer(&slot.searches, 0, None);
            slot.clock.begin(&mut encoder);
            slot.staging.copy(&mut encoder, &staged);
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("fit"),
                timestamp_writes: slot.clock.of_pass(true, true),
            });
            pass.set_pipeline(&kernels.fit);
            pass.set_bind_group(0, &slot.fit, &[]);
            for _ in 0..params.n_samples.div_ceil(params.n_steps) {
                pass.dispatch_workgroups(groups, n_anchors, 1);
            }
            pass.set_pipeline(&kernels.quantiles);
            pass.set_bind_group(0, &slot.quantiles, &[]);
            for _ in 0..of_quantiles.n_dispatches() {
                pass.dispatch_workgroups(groups, 2 * n_anchors, n_levels.div_ceil(4) as u32);
            }
            drop(pass);
            encoder.copy_buffer_to_buffer(&slot.rows, 0, &slot.answer, clock, Some(bytes));
            slot.clock.end(&mut encoder, &slot.answer);
            gpu.queue.submit([encoder.finish()])
        })?;
        slot.staging.sent();
        let coming = gpu.ask_for(&slot.answer, bytes + clock);
        slot.pending = Some((n_series, submission, coming));
        Ok(())
    }

    /// Waits for a chunk that was sent, hands its rows `[horizon x row x n_series]` to `read`; with the
    /// seconds on the device, 0 where they are not told.
    ///
    /// # Errors
    /// If the device was lost.
    pub(crate) fn receive<T>(
        &mut self,
        chunk: usize,
        read: impl FnOnce(&[f32]) -> T,
    ) -> Result<(T, Seconds), Failure> {
        let nanoseconds = self.gpu.queue.get_timestamp_period();
        let slot = &mut self.slots[chunk % 2];
        let Some((n_series, submission, coming)) = slot.pending.take() else {
            return Err(Failure::Lost);
        };
        let clock = slot.clock.bytes();
        let n_rows = self.params.n_rows as usize * self.n_anchors * n_series;
        let bytes = 4 * n_rows as u64 + clock;
        self.gpu.receive(coming, &slot.answer, submission, bytes, |answer| {
            let (marks, rows) = answer.split_at(clock as usize);
            // Mapped memory is aligned in practice, but nobody says so.
            let told = match bytemuck::try_cast_slice(rows) {
                Ok(rows) => read(rows),
                Err(_) => read(&bytemuck::pod_collect_to_vec::<u8, f32>(rows)),
            };
            (told, seconds(marks, nanoseconds))
        })
    }
}

/// A chunk has at most so many series, so that the next one is made ready meanwhile; where the processor
/// does the device's work, a second of it, so that a call can be stopped.
const MOST_SERIES: usize = 32_768;
const MOST_SERIES_IN_SOFTWARE: usize = 1024;

/// So many numbers of one series are in each piece of memory.
struct Numbers {
    samples: usize,
    errors: usize,
    states: usize,
    searches: usize,
    rows: usize,
}

impl Numbers {
    fn longest(&self) -> usize {
        let Self { samples, errors, states, searches, rows } = *self;
        // Samples and their bits are staged together.
        let staged = samples + samples.div_ceil(32);
        staged.max(errors).max(states).max(searches).max(rows)
    }
}

impl Slot {
    fn new(
        gpu: &Gpu,
        kernels: &Kernels,
        numbers: &Numbers,
        levels: &[f32],
        n_series: usize,
    ) -> Result<Self, Failure> {
        use wgpu::BufferUsages as Usage;
        let bytes = |numbers: usize| 4 * numbers as u64 * n_series as u64;
        let input = Usage::STORAGE | Usage::COPY_DST;
        // Four levels a vector.
        let mut levels = levels.to_vec();
        levels.resize(levels.len().max(1).next_multiple_of(4), 0.5);
        gpu.checked(|| {
            let uniform = |name, bytes: usize| {
                gpu.buffer(name, bytes as u64, Usage::UNIFORM | Usage::COPY_DST)
            };
            let params = uniform("params", size_of::<Params>());
            let of_quantiles = uniform("of_quantiles", size_of::<quantiles::Params>());
            let samples = gpu.buffer("samples", bytes(numbers.samples), input);
            let known = gpu.buffer("known", bytes(numbers.samples.div_ceil(32)), input);
            let staging = Staging::new(gpu, samples.size() + known.size());
            let asked = gpu.buffer("levels", 4 * levels.len() as u64, input);
            gpu.queue.write_buffer(&asked, 0, bytemuck::cast_slice(&levels));
            let scratch = |name| gpu.buffer(name, bytes(numbers.errors), Usage::STORAGE);
            let (sizes, moving, steady) = (scratch("sizes"), scratch("moving"), scratch("steady"));
            let states = gpu.buffer("states", bytes(numbers.states), input);
            let searches = gpu.buffer("searches", bytes(numbers.searches), input);
            let rows = gpu.buffer("rows", bytes(numbers.rows), Usage::STORAGE | Usage::COPY_SRC);
            let back = Usage::MAP_READ | Usage::COPY_DST;
            let clock = Clock::new(gpu);
            let answer = gpu.buffer("answer", bytes(numbers.rows) + clock.bytes(), back);
            let of_fit = [&params, &samples, &known, &sizes, &moving, &steady, &states, &rows];
            let fit = gpu.bound(&kernels.fit, &of_fit);
            let of_search = [&of_quantiles, &asked, &moving, &steady, &searches, &rows];
            let quantiles = gpu.bound(&kernels.quantiles, &of_search);
            let pending = None;
            Self {
                params,
                of_quantiles,
                staging,
                samples,
                known,
                states,
                searches,
                rows,
                answer,
                fit,
                quantiles,
                clock,
                pending,
            }
        })
    }
}
