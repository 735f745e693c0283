//! The kernel `replay`: closed loops of many settings on one load.
//!
//! In: numbers by tick, by start and by lane, as `sim/lanes` makes them. Out: three whole numbers a span and
//! lane, and who has come to the end. Twins: `walk.rs`, `plant.rs` and `screen.rs` in
//! `sim/lanes`. Knows no configuration.

use std::collections::VecDeque;

use super::device::{Failure, Gpu};

/// The source of the kernel.
pub(crate) const SOURCE: &str = include_str!("replay.wgsl");

/// Words of the kernel's `State` and `Lane`.
pub(crate) const STATE_WORDS: usize = 53;
pub(crate) const LANE_WORDS: usize = 35;

const GROUP: u32 = 64;

/// No invocation goes through more ticks a dispatch; each takes a dozen rounds of loops, about.
const MOST_STEPS: usize = 256;

/// No submission goes through more in all: a few milliseconds of a large card, a tenth of a second of
/// a small one.
const MOST_WORK: usize = 1 << 24;

/// Submissions under way before the oldest is waited for, so that a call can be stopped.
const UNDER_WAY: usize = 3;

/// Lanes of a chunk at most.
const MOST_LANES: usize = 1 << 17;

const CLOCK_BYTES: u64 = 16;

/// The kernel's `Params`: same fields, same order, all of four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Params {
    pub(crate) n_lanes: u32,
    pub(crate) n_ticks: u32,
    pub(crate) n_steps: u32,
    pub(crate) span_ticks: u32,
    pub(crate) interval: u32,
    pub(crate) n_starts: u32,
    pub(crate) late_after: f32,
    pub(crate) timeout: f32,
    pub(crate) starting: [u32; 2],
    pub(crate) used: [u32; 2],
    pub(crate) stopped: [u32; 2],
    pub(crate) seen_up: [u32; 2],
    pub(crate) seen_down: [u32; 2],
    pub(crate) events_up: [u32; 2],
    pub(crate) events_down: [u32; 2],
    pub(crate) reserved: [u32; 2],
}

impl Params {
    /// As the kernel reads them, word by word.
    pub(crate) fn words(&self) -> Vec<u32> {
        let Self { n_lanes, n_ticks, n_steps, span_ticks, interval, n_starts, .. } = *self;
        let mut words = vec![n_lanes, n_ticks, n_steps, span_ticks, interval, n_starts];
        words.extend([self.late_after, self.timeout].map(f32::to_bits));
        let rings = [
            self.starting,
            self.used,
            self.stopped,
            self.seen_up,
            self.seen_down,
            self.events_up,
            self.events_down,
            self.reserved,
        ];
        words.extend(rings.concat());
        words
    }
}

/// What lanes have in common on the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a> {
    /// But for the numbers of lanes, steps and starts.
    pub(crate) params: Params,
    /// Four numbers a tick.
    pub(crate) ticks: &'a [f32],
    pub(crate) starts: &'a [u32],
    pub(crate) tables: &'a [u32],
    /// Words of a lane's rings.
    pub(crate) n_ring_words: usize,
}

impl Shared<'_> {
    fn n_spans(&self) -> usize {
        self.params.n_ticks.div_ceil(self.params.span_ticks.max(1)) as usize
    }

    /// Words of a lane's answer.
    pub(crate) fn n_answers(&self) -> usize {
        3 * self.n_spans() + 1
    }

    /// So many lanes fit into a chunk.
    ///
    /// # Errors
    /// If not even one does.
    pub(crate) fn most_lanes(&self, gpu: &Gpu) -> Result<usize, Failure> {
        let most = usize::try_from(gpu.most_bytes() / 4).unwrap_or(usize::MAX);
        let shared = self.ticks.len().max(self.tables.len());
        let own = self.n_ring_words.max(self.n_answers()).max(STATE_WORDS).max(LANE_WORDS);
        if shared > most || own > most {
            let message =
                format!("{} numbers of one trace are more than a buffer holds", shared.max(own));
            return Err(Failure::Refused(message));
        }
        Ok((most / own).min(MOST_LANES))
    }

    /// So many tapes fit into a chunk.
    ///
    /// # Errors
    /// If not even one does.
    pub(crate) fn most_tapes(&self, gpu: &Gpu) -> Result<usize, Failure> {
        let most = usize::try_from(gpu.most_bytes() / 8).unwrap_or(usize::MAX);
        match most / (self.params.n_ticks as usize).max(1) {
            0 => Err(Failure::Refused("a trace is longer than a buffer holds".to_owned())),
            n => Ok(n),
        }
    }
}

/// Goes through a chunk: `lanes` word by word, `tapes` two numbers a tick. The answers lie answer by
/// answer, `[n_answers x n_lanes]`, with the seconds in the kernel, 0 where they are not told; none if
/// `go_on` has stopped it.
///
/// # Errors
/// If the device is lost or refuses.
pub(crate) fn run(
    gpu: &Gpu,
    shared: &Shared<'_>,
    lanes: &[u32],
    tapes: &[f32],
    go_on: &dyn Fn(f64) -> bool,
) -> Result<Option<(Vec<u32>, f64)>, Failure> {
    let n_lanes = lanes.len() / LANE_WORDS;
    if n_lanes == 0 {
        return Ok(Some((Vec::new(), 0.0)));
    }
    let kernel = gpu.kernel("replay", SOURCE)?;
    let n_steps = (MOST_WORK / n_lanes).clamp(16, MOST_STEPS);
    let n_starts = shared.starts.len().min(usize::try_from(gpu.most_bytes() / 4).unwrap_or(0));
    let params = Params {
        n_lanes: n_lanes as u32,
        n_steps: n_steps as u32,
        n_starts: n_starts as u32,
        ..shared.params
    };
    let bytes = 4 * (shared.n_answers() * n_lanes) as u64;
    let has_clock = gpu.info().has_timestamps;
    let clock_bytes = if has_clock { CLOCK_BYTES } else { 0 };
    let memory = gpu.checked(|| {
        use wgpu::BufferUsages as Usage;
        let made = |name, words: &[u32], usage| {
            let buffer = gpu.buffer(name, 4 * words.len() as u64, usage | Usage::COPY_DST);
            gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
            buffer
        };
        let input = Usage::STORAGE;
        let scratch =
            |name, words: usize, more| gpu.buffer(name, 4 * (words * n_lanes) as u64, input | more);
        let sums = scratch("sums", shared.n_answers(), Usage::COPY_SRC);
        let buffers = [
            &made("params", &params.words(), Usage::UNIFORM),
            &made("ticks", bytemuck::cast_slice(shared.ticks), input),
            &made("tapes", bytemuck::cast_slice(tapes), input),
            &made("starts", &shared.starts[..n_starts], input),
            &made("tables", shared.tables, input),
            &made("lanes", lanes, input),
            &scratch("states", STATE_WORDS, Usage::empty()),
            &scratch("rings", shared.n_ring_words, Usage::empty()),
            &sums,
        ];
        let bound = gpu.bound(&kernel, &buffers);
        let answer = gpu.buffer("answer", bytes + CLOCK_BYTES, Usage::MAP_READ | Usage::COPY_DST);
        let clock = has_clock.then(|| {
            let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("replay"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            });
            let ticks = gpu.buffer("clock", CLOCK_BYTES, Usage::QUERY_RESOLVE | Usage::COPY_SRC);
            (set, ticks)
        });
        (bound, sums, answer, clock)
    })?;
    let (bound, sums, answer, clock) = memory;

    // A quarter more for those whose dispatches ended early.
    let n_dispatches = (shared.params.n_ticks as usize).div_ceil(n_steps) * 5 / 4 + 1;
    let abreast = (MOST_WORK / (n_lanes * n_steps)).clamp(1, 16);
    let mut under_way = VecDeque::new();
    for first in (0..n_dispatches).step_by(abreast) {
        let n = abreast.min(n_dispatches - first);
        let submission = gpu.checked(|| {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let times = clock.as_ref().map(|(set, _)| wgpu::ComputePassTimestampWrites {
                query_set: set,
                beginning_of_pass_write_index: (first == 0).then_some(0),
                end_of_pass_write_index: (first + n == n_dispatches).then_some(1),
            });
            let at_an_end = first == 0 || first + n == n_dispatches;
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("replay"),
                timestamp_writes: times.filter(|_| at_an_end),
            });
            pass.set_pipeline(&kernel);
            pass.set_bind_group(0, &bound, &[]);
            for _ in 0..n {
                pass.dispatch_workgroups((n_lanes as u32).div_ceil(GROUP), 1, 1);
            }
            drop(pass);
            gpu.queue.submit([encoder.finish()])
        })?;
        under_way.push_back(submission);
        if under_way.len() > UNDER_WAY {
            gpu.wait(under_way.pop_front())?;
        }
        if !go_on(first as f64 / n_dispatches as f64) {
            gpu.wait(under_way.pop_back())?;
            return Ok(None);
        }
    }
    let submission = gpu.checked(|| {
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&sums, 0, &answer, clock_bytes, Some(bytes));
        if let Some((set, ticks)) = &clock {
            encoder.resolve_query_set(set, 0..2, ticks, 0);
            encoder.copy_buffer_to_buffer(ticks, 0, &answer, 0, Some(CLOCK_BYTES));
        }
        gpu.queue.submit([encoder.finish()])
    })?;
    let period = f64::from(gpu.queue.get_timestamp_period()) * 1e-9;
    let coming = gpu.ask_for(&answer, bytes + clock_bytes);
    let told = gpu.receive(coming, &answer, submission, bytes + clock_bytes, |answer| {
        let (ticks, sums) = answer.split_at(clock_bytes as usize);
        let seconds = match bytemuck::pod_collect_to_vec::<u8, u64>(ticks)[..] {
            [start, end] => end.saturating_sub(start) as f64 * period,
            _ => 0.0,
        };
        (bytemuck::pod_collect_to_vec::<u8, u32>(sums), seconds)
    })?;
    Ok(Some(told))
}
