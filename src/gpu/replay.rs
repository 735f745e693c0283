//! The kernel `replay`: closed loops of many settings on one load.
//!
//! In: numbers by tick, by start and by lane, as `sim/lanes` makes them. Out: three whole numbers a span and
//! lane, and who has come to the end. Twins: `walk.rs`, `plant.rs` and `screen.rs` in
//! `sim/lanes`. Knows no configuration.

use std::collections::VecDeque;

use super::Seconds;
use super::clock::{Clock, seconds};
use super::device::{Coming, Failure, Gpu, Staging};

/// The source of the kernel: its parts by role, one behind the other.
pub(crate) const SOURCE: &str = concat!(
    include_str!("replay/layout.wgsl"),
    include_str!("replay/screen.wgsl"),
    include_str!("replay/policies.wgsl"),
    include_str!("replay/risk.wgsl"),
    include_str!("replay/guards.wgsl"),
    include_str!("replay/plant.wgsl"),
    include_str!("replay/walk.wgsl"),
);

/// Words of the kernel's `State` and `Lane`.
pub(crate) const STATE_WORDS: usize = 63;
pub(crate) const LANE_WORDS: usize = 43;

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
    pub(crate) kept: [u32; 2],
    pub(crate) had: [u32; 2],
    pub(crate) recent: u32,
    pub(crate) age: u32,
    pub(crate) memory: u32,
    pub(crate) gap: u32,
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
            self.kept,
            self.had,
        ];
        words.extend(rings.concat());
        words.extend([self.recent, self.age, self.memory, self.gap]);
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
    /// If those of a single lane do not.
    pub(crate) fn most_tapes(&self, gpu: &Gpu) -> Result<usize, Failure> {
        let most = usize::try_from(gpu.most_bytes() / 4).unwrap_or(usize::MAX);
        match most / (self.params.n_ticks as usize).max(1) {
            0..5 => Err(Failure::Refused("a trace is longer than a buffer holds".to_owned())),
            n => Ok(n),
        }
    }
}

/// Lanes on the device, side by side. Begun, started, finished and received in this order: between the
/// steps another chunk is made ready, or received, while the device works on this one.
#[derive(Debug)]
pub(crate) struct Chunk {
    kernel: wgpu::ComputePipeline,
    bound: wgpu::BindGroup,
    inputs: Vec<(Staging, wgpu::Buffer)>,
    sums: wgpu::Buffer,
    answer: wgpu::Buffer,
    clock: Clock,
    n_groups: u32,
    /// Dispatches in all, in a submission, and sent so far.
    n_dispatches: usize,
    abreast: usize,
    n_sent: usize,
    under_way: VecDeque<wgpu::SubmissionIndex>,
    coming: Option<(wgpu::SubmissionIndex, Coming)>,
}

impl Chunk {
    /// Makes room and writes the input where the device will take it from: `lanes` word by word, `tapes`
    /// a word a tick.
    ///
    /// # Errors
    /// If the device is lost or refuses.
    pub(crate) fn begin(
        gpu: &Gpu,
        shared: &Shared<'_>,
        lanes: &[u32],
        tapes: &[u32],
    ) -> Result<Self, Failure> {
        let n_lanes = lanes.len() / LANE_WORDS;
        let kernel = gpu.kernel("replay", SOURCE)?;
        let n_steps = (MOST_WORK / n_lanes.max(1)).clamp(16, MOST_STEPS);
        let fitting = usize::try_from(gpu.most_bytes() / 4).unwrap_or(0);
        let starts = &shared.starts[..shared.starts.len().min(fitting)];
        let params = Params {
            n_lanes: n_lanes as u32,
            n_steps: n_steps as u32,
            n_starts: starts.len() as u32,
            ..shared.params
        };
        let words = params.words();
        let bytes: [&[u8]; 6] = [
            bytemuck::cast_slice(&words),
            bytemuck::cast_slice(shared.ticks),
            bytemuck::cast_slice(tapes),
            bytemuck::cast_slice(starts),
            bytemuck::cast_slice(shared.tables),
            bytemuck::cast_slice(lanes),
        ];
        let mut chunk = gpu.checked(|| {
            use wgpu::BufferUsages as Usage;
            let input = |(at, bytes): (usize, &&[u8])| {
                let kind = if at == 0 { Usage::UNIFORM } else { Usage::STORAGE };
                let buffer = gpu.buffer("input", bytes.len() as u64, kind | Usage::COPY_DST);
                (Staging::new(gpu, bytes.len() as u64), buffer)
            };
            let inputs: Vec<_> = bytes.iter().enumerate().map(input).collect();
            let own = |name, words: usize, more| {
                gpu.buffer(name, 4 * (words * n_lanes) as u64, Usage::STORAGE | more)
            };
            let states = own("states", STATE_WORDS, Usage::empty());
            let rings = own("rings", shared.n_ring_words, Usage::empty());
            let sums = own("sums", shared.n_answers(), Usage::COPY_SRC);
            let mut buffers: Vec<_> = inputs.iter().map(|(_, buffer)| buffer).collect();
            buffers.extend([&states, &rings, &sums]);
            let bound = gpu.bound(&kernel, &buffers);
            let clock = Clock::new(gpu);
            let back = Usage::MAP_READ | Usage::COPY_DST;
            let answer = gpu.buffer("answer", sums.size() + clock.bytes(), back);
            Self {
                kernel,
                bound,
                inputs,
                sums,
                answer,
                clock,
                n_groups: (n_lanes as u32).div_ceil(GROUP),
                // A quarter more for those whose dispatches ended early.
                n_dispatches: (shared.params.n_ticks as usize).div_ceil(n_steps) * 5 / 4 + 1,
                abreast: (MOST_WORK / (n_lanes * n_steps).max(1)).clamp(1, 16),
                n_sent: 0,
                under_way: VecDeque::new(),
                coming: None,
            }
        })?;
        for ((staging, _), bytes) in chunk.inputs.iter_mut().zip(bytes) {
            staging.write(gpu, &[bytes])?;
        }
        Ok(chunk)
    }

    /// Sends the input and the first dispatches, but not the last ones. Does not wait.
    ///
    /// # Errors
    /// If the device is lost or refuses.
    pub(crate) fn start(&mut self, gpu: &Gpu) -> Result<(), Failure> {
        while self.n_sent + self.abreast < self.n_dispatches && self.under_way.len() < UNDER_WAY {
            self.submit(gpu)?;
        }
        Ok(())
    }

    /// Sends the rest and asks for the answers; whether `go_on`, which hears the share that is sent, has
    /// let it. Waits for all but the last few dispatches.
    ///
    /// # Errors
    /// If the device is lost or refuses.
    pub(crate) fn finish(
        &mut self,
        gpu: &Gpu,
        go_on: &dyn Fn(f64) -> bool,
    ) -> Result<bool, Failure> {
        loop {
            let n_done = self.n_sent.saturating_sub(UNDER_WAY * self.abreast);
            if !go_on(n_done as f64 / self.n_dispatches as f64) {
                gpu.wait(self.under_way.pop_back())?;
                return Ok(false);
            }
            if self.is_sent() {
                break;
            }
            while self.under_way.len() >= UNDER_WAY {
                gpu.wait(self.under_way.pop_front())?;
            }
            self.submit(gpu)?;
        }
        let submission = gpu.checked(|| {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let head = self.clock.bytes();
            let bytes = self.sums.size();
            encoder.copy_buffer_to_buffer(&self.sums, 0, &self.answer, head, Some(bytes));
            self.clock.end(&mut encoder, &self.answer);
            gpu.queue.submit([encoder.finish()])
        })?;
        self.coming = Some((submission, gpu.ask_for(&self.answer, self.answer.size())));
        Ok(true)
    }

    /// Waits for the answers. They lie answer by answer, `[n_answers x n_lanes]`, with the seconds on the
    /// device, 0 where they are not told.
    ///
    /// # Errors
    /// If the device was lost.
    pub(crate) fn receive(self, gpu: &Gpu) -> Result<(Vec<u32>, Seconds), Failure> {
        let Some((submission, coming)) = self.coming else { return Err(Failure::Lost) };
        let (head, bytes) = (self.clock.bytes(), self.answer.size());
        let nanoseconds = gpu.queue.get_timestamp_period();
        gpu.receive(coming, &self.answer, submission, bytes, |answer| {
            let (marks, sums) = answer.split_at(head as usize);
            (bytemuck::pod_collect_to_vec::<u8, u32>(sums), seconds(marks, nanoseconds))
        })
    }

    fn is_sent(&self) -> bool {
        self.n_sent == self.n_dispatches
    }

    /// Sends so many dispatches as go abreast, the first ones with the input.
    fn submit(&mut self, gpu: &Gpu) -> Result<(), Failure> {
        let is_first = self.n_sent == 0;
        let n = self.abreast.min(self.n_dispatches - self.n_sent);
        self.n_sent += n;
        let submission = gpu.checked(|| {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            if is_first {
                self.clock.begin(&mut encoder);
                for (staging, buffer) in &self.inputs {
                    staging.copy(&mut encoder, &[(buffer, buffer.size())]);
                }
            }
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("replay"),
                timestamp_writes: self.clock.of_pass(is_first, self.is_sent()),
            });
            pass.set_pipeline(&self.kernel);
            pass.set_bind_group(0, &self.bound, &[]);
            for _ in 0..n {
                pass.dispatch_workgroups(self.n_groups, 1, 1);
            }
            drop(pass);
            gpu.queue.submit([encoder.finish()])
        })?;
        self.under_way.push_back(submission);
        Ok(())
    }
}
