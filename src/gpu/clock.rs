//! When a device did what, by its own clock.
//!
//! In: the commands of a chunk. Out: the [`Seconds`] of upload, kernel and read-back, each by itself.
//! Where the adapter has no clock nothing is marked and nothing told.

use super::Seconds;
use super::device::Gpu;

/// Before the upload, at the begin and the end of the kernel, after the read-back.
const MARKS: usize = 4;
pub(super) const MARKS_BYTES: u64 = 8 * MARKS as u64;

/// Four marks on a device's clock.
#[derive(Debug)]
pub(super) struct Clock(Option<(wgpu::QuerySet, wgpu::Buffer)>);

impl Clock {
    pub(super) fn new(gpu: &Gpu) -> Self {
        Self(gpu.info().has_timestamps.then(|| {
            let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("clock"),
                ty: wgpu::QueryType::Timestamp,
                count: MARKS as u32,
            });
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            (set, gpu.buffer("clock", MARKS_BYTES, usage))
        }))
    }

    /// So many bytes at the head of an answer are the marks.
    pub(super) fn bytes(&self) -> u64 {
        if self.0.is_some() { MARKS_BYTES } else { 0 }
    }

    /// Before the upload.
    pub(super) fn begin(&self, encoder: &mut wgpu::CommandEncoder) {
        self.mark(encoder, 0);
    }

    /// For a pass of the kernel: the first one, the last one, or one that is both.
    pub(super) fn of_pass(
        &self,
        is_first: bool,
        is_last: bool,
    ) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let (query_set, _) = self.0.as_ref().filter(|_| is_first || is_last)?;
        Some(wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: is_first.then_some(1),
            end_of_pass_write_index: is_last.then_some(2),
        })
    }

    /// After the read-back; writes all marks to the head of the answer.
    pub(super) fn end(&self, encoder: &mut wgpu::CommandEncoder, answer: &wgpu::Buffer) {
        self.mark(encoder, MARKS as u32 - 1);
        if let Some((set, ticks)) = &self.0 {
            encoder.resolve_query_set(set, 0..MARKS as u32, ticks, 0);
            encoder.copy_buffer_to_buffer(ticks, 0, answer, 0, Some(self.bytes()));
        }
    }

    fn mark(&self, encoder: &mut wgpu::CommandEncoder, at: u32) {
        let Some((query_set, _)) = &self.0 else { return };
        // An empty pass is what every backend can time.
        drop(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("mark"),
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set,
                beginning_of_pass_write_index: None,
                end_of_pass_write_index: Some(at),
            }),
        }));
    }
}

/// The seconds between the marks at the head of an answer, where they are; a tick lasts so many
/// nanoseconds.
pub(super) fn seconds(marks: &[u8], nanoseconds: f32) -> Seconds {
    let marks = bytemuck::pod_collect_to_vec::<u8, u64>(marks);
    let between = |first: usize| match marks.get(first..first + 2) {
        // A clock that wraps, or marks in another order, tell nothing.
        Some(&[start, end]) => end.saturating_sub(start) as f64 * f64::from(nanoseconds) * 1e-9,
        _ => 0.0,
    };
    Seconds { upload: between(0), kernel: between(1), read_back: between(2) }
}
