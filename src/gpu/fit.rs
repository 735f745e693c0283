//! The kernel `fit`: what is learnt of many series at a few horizons.
//!
//! In: samples and their bits, time-major, and rates. Out: rows of numbers a series and horizon. Twin:
//! `forecast/batch/fit.rs`, with the same recurrences. Knows no load.

use std::sync::Arc;

use super::device::{Coming, Failure, Gpu};

/// The source of the kernel.
pub(crate) const SOURCE: &str = include_str!("fit.wgsl");

/// So many horizons at most.
pub(crate) const ANCHORS: usize = 6;

/// Invocations of a group, as the kernel has it.
const GROUP: u32 = 64;

/// The kernel's `Params`: same fields, same order, all of four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Params {
    pub(crate) n_series: u32,
    pub(crate) n_samples: u32,
    pub(crate) season: u32,
    pub(crate) slow: u32,
    pub(crate) smoothed: u32,
    pub(crate) n_levels: u32,
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
    pub(crate) reserved: u32,
}

impl Params {
    /// As the kernel reads them, word by word.
    pub(crate) fn words(&self) -> Vec<u32> {
        let Self { n_series, n_samples, season, slow, smoothed, n_levels, awake, n_rows, .. } =
            *self;
        let mut words = vec![n_series, n_samples, season, slow, smoothed, n_levels, awake, n_rows];
        words.extend(self.means.iter().chain(&self.away).map(|rate| rate.to_bits()));
        words.extend(self.reserved);
        for anchor in &self.anchors {
            let Anchor { ahead, spacing, refit, delay, skip, first, .. } = *anchor;
            words.extend([ahead, spacing, refit, delay, skip, first]);
            let rates = [anchor.loss, anchor.ever, anchor.lately, anchor.growth, anchor.ridge];
            words.extend(rates.map(f32::to_bits));
            words.push(anchor.reserved);
        }
        words
    }
}

/// The memory of the device for chunks of a panel, twice: while one chunk is worked on the next is
/// made ready.
#[derive(Debug)]
pub(crate) struct Session {
    gpu: Arc<Gpu>,
    pipeline: wgpu::ComputePipeline,
    params: Params,
    n_anchors: u32,
    most_series: usize,
    slots: [Slot; 2],
}

#[derive(Debug)]
struct Slot {
    params: wgpu::Buffer,
    samples: wgpu::Buffer,
    known: wgpu::Buffer,
    rows: wgpu::Buffer,
    answer: wgpu::Buffer,
    group: wgpu::BindGroup,
    clock: Option<Clock>,
    pending: Option<(usize, wgpu::SubmissionIndex, Coming)>,
}

/// The time in the kernel, where the adapter tells it.
#[derive(Debug)]
struct Clock {
    set: wgpu::QuerySet,
    ticks: wgpu::Buffer,
}

const CLOCK_BYTES: u64 = 16;

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
        let pipeline = gpu.kernel("fit", SOURCE)?;
        let rows = n_anchors * params.n_rows as usize;
        let longest = rows.max(params.n_samples as usize).max(n_errors);
        let fitting = usize::try_from(gpu.most_bytes() / 4).unwrap_or(usize::MAX) / longest.max(1);
        if fitting == 0 {
            let message = format!("{longest} numbers of one series are more than a buffer holds");
            return Err(Failure::Refused(message));
        }
        let most_series = fitting.min(MOST_SERIES).min(n_series.max(1));
        let slot = || Slot::new(gpu, &pipeline, &params, n_errors, levels, rows, most_series);
        let slots = [slot()?, slot()?];
        let n_anchors = n_anchors as u32;
        Ok(Self { gpu: Arc::clone(gpu), pipeline, params, n_anchors, most_series, slots })
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
        let Self { gpu, pipeline, params, n_anchors, .. } = self;
        let slot = &mut self.slots[chunk % 2];
        let params = Params { n_series: n_series as u32, ..*params };
        let bytes = 4 * (params.n_rows * *n_anchors) as u64 * n_series as u64;
        let clock = if slot.clock.is_some() { CLOCK_BYTES } else { 0 };
        let submission = gpu.checked(|| {
            gpu.queue.write_buffer(&slot.params, 0, bytemuck::cast_slice(&params.words()));
            gpu.queue.write_buffer(&slot.samples, 0, bytemuck::cast_slice(samples));
            gpu.queue.write_buffer(&slot.known, 0, bytemuck::cast_slice(known));
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let times = slot.clock.as_ref().map(|clock| wgpu::ComputePassTimestampWrites {
                query_set: &clock.set,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("fit"),
                timestamp_writes: times,
            });
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &slot.group, &[]);
            pass.dispatch_workgroups((n_series as u32).div_ceil(GROUP), *n_anchors, 1);
            drop(pass);
            encoder.copy_buffer_to_buffer(&slot.rows, 0, &slot.answer, clock, Some(bytes));
            if let Some(clock) = &slot.clock {
                encoder.resolve_query_set(&clock.set, 0..2, &clock.ticks, 0);
                encoder.copy_buffer_to_buffer(&clock.ticks, 0, &slot.answer, 0, Some(CLOCK_BYTES));
            }
            gpu.queue.submit([encoder.finish()])
        })?;
        let coming = gpu.ask_for(&slot.answer, bytes + clock);
        slot.pending = Some((n_series, submission, coming));
        Ok(())
    }

    /// Waits for a chunk that was sent, hands its rows `[horizon x row x n_series]` to `read`; with the
    /// seconds in the kernel, 0 where they are not told.
    ///
    /// # Errors
    /// If the device was lost.
    pub(crate) fn receive<T>(
        &mut self,
        chunk: usize,
        read: impl FnOnce(&[f32]) -> T,
    ) -> Result<(T, f64), Failure> {
        let period = f64::from(self.gpu.queue.get_timestamp_period()) * 1e-9;
        let slot = &mut self.slots[chunk % 2];
        let Some((n_series, submission, coming)) = slot.pending.take() else {
            return Err(Failure::Lost);
        };
        let clock = if slot.clock.is_some() { CLOCK_BYTES } else { 0 };
        let n_rows = (self.params.n_rows * self.n_anchors) as usize * n_series;
        let bytes = 4 * n_rows as u64 + clock;
        self.gpu.receive(coming, &slot.answer, submission, bytes, |answer| {
            let (ticks, rows) = answer.split_at(clock as usize);
            let ticks = bytemuck::pod_collect_to_vec::<u8, u64>(ticks);
            let seconds = match ticks[..] {
                [start, end] => end.saturating_sub(start) as f64 * period,
                _ => 0.0,
            };
            // Mapped memory is aligned in practice, but nobody says so.
            let told = match bytemuck::try_cast_slice(rows) {
                Ok(rows) => read(rows),
                Err(_) => read(&bytemuck::pod_collect_to_vec::<u8, f32>(rows)),
            };
            (told, seconds)
        })
    }
}

/// A chunk has at most so many series, so that the next one is made ready meanwhile.
const MOST_SERIES: usize = 32_768;

impl Slot {
    fn new(
        gpu: &Gpu,
        pipeline: &wgpu::ComputePipeline,
        params: &Params,
        n_errors: usize,
        levels: &[f32],
        rows: usize,
        n_series: usize,
    ) -> Result<Self, Failure> {
        use wgpu::BufferUsages as Usage;
        let n_samples = params.n_samples as usize;
        let bytes = |numbers: usize| 4 * numbers as u64 * n_series as u64;
        let input = Usage::STORAGE | Usage::COPY_DST;
        let n_words = params.words().len() as u64;
        let has_clock = gpu.info().has_timestamps;
        gpu.checked(|| {
            let own = gpu.buffer("params", 4 * n_words, Usage::UNIFORM | Usage::COPY_DST);
            let samples = gpu.buffer("samples", bytes(n_samples), input);
            let known = gpu.buffer("known", bytes(n_samples.div_ceil(32)), input);
            let asked = gpu.buffer("levels", 4 * levels.len() as u64, input);
            gpu.queue.write_buffer(&asked, 0, bytemuck::cast_slice(levels));
            let scratch = |name| gpu.buffer(name, bytes(n_errors), Usage::STORAGE);
            let (sizes, moving, steady) = (scratch("sizes"), scratch("moving"), scratch("steady"));
            let out = gpu.buffer("rows", bytes(rows), Usage::STORAGE | Usage::COPY_SRC);
            let back = Usage::MAP_READ | Usage::COPY_DST;
            let answer = gpu.buffer("answer", bytes(rows) + CLOCK_BYTES, back);
            let bound = [&own, &samples, &known, &asked, &sizes, &moving, &steady, &out];
            let entries = bound.iter().enumerate().map(|(at, buffer)| wgpu::BindGroupEntry {
                binding: at as u32,
                resource: buffer.as_entire_binding(),
            });
            let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("fit"),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries.collect::<Vec<_>>(),
            });
            let clock = has_clock.then(|| Clock {
                set: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("fit"),
                    ty: wgpu::QueryType::Timestamp,
                    count: 2,
                }),
                ticks: gpu.buffer("ticks", CLOCK_BYTES, Usage::QUERY_RESOLVE | Usage::COPY_SRC),
            });
            Self { params: own, samples, known, rows: out, answer, group, clock, pending: None }
        })
    }
}
