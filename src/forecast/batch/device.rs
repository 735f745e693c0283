//! A panel on the device: chunk by chunk, the next one made ready while one is worked on.
//!
//! In: a panel and its plan. Out: the same forecasts as on the cores, but for the last digits.

use std::sync::Arc;

use super::super::cores::each;
use super::many::{Told, Work};
use super::plan::{Plan, Scale, pack};
use crate::gpu::Device;
use crate::gpu::device::{Failure, Gpu, open};
use crate::gpu::fit::{ANCHORS, Anchor, Params, Session};
use crate::{Error, Reason};

/// The forecasts of all series; `None` if the device was lost twice.
///
/// # Errors
/// If there is none, it refuses, or the call was stopped.
pub(super) fn on_device(work: &Work<'_>, into: &mut [f64]) -> Result<Option<Told>, Error> {
    for _ in 0..2 {
        let gpu = open(work.ask.choice)?;
        if work.ask.device == Device::Auto && !gpu.is_hardware() {
            return Err(crate::gpu::no_adapter("only a software driver is there"));
        }
        match in_chunks(work, &gpu, into) {
            Ok(told) => return Ok(Some(told)),
            Err(Stop::Failed(Failure::Lost)) => {}
            Err(Stop::Failed(failure)) => return Err(failure.into_error()),
            Err(Stop::Asked(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Why a call ends early.
enum Stop {
    Failed(Failure),
    Asked(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A chunk that was sent.
struct Sent {
    first: usize,
    scales: Vec<Scale>,
    samples: Vec<f32>,
}

fn in_chunks(work: &Work<'_>, gpu: &Arc<Gpu>, into: &mut [f64]) -> Result<Told, Stop> {
    let plan = &work.plan;
    let n_series = work.ask.n_series;
    let params = params(plan, work.n_rows());
    let n_errors = plan.n_errors();
    let mut session =
        Session::new(gpu, params, plan.anchors.len(), n_errors, &plan.levels, n_series)?;
    let size = session.most_series();
    let mut told = Told {
        abstained: Vec::new(),
        device: gpu.info().adapter.clone(),
        device_seconds: gpu.info().has_timestamps.then(Default::default),
    };
    let mut sent: Option<Sent> = None;
    for chunk in 0..=n_series.div_ceil(size) {
        work.go_on().map_err(Stop::Asked)?;
        let first = chunk * size;
        let next = if first < n_series {
            let n = size.min(n_series - first);
            let (chunk_samples, known, scales) = packed(work, first, n);
            session.submit(chunk, n, &chunk_samples, &known)?;
            Some(Sent { first, scales, samples: chunk_samples })
        } else {
            None
        };
        if let Some(Sent { first, scales, samples }) = std::mem::replace(&mut sent, next) {
            let width = work.width();
            let into = &mut into[first * width..(first + scales.len()) * width];
            let (abstained, seconds) = session
                .receive(chunk - 1, |rows| composed(work, first, &scales, &samples, rows, into))?;
            told.abstained.extend(abstained);
            if let Some(all) = &mut told.device_seconds {
                *all += seconds;
            }
        }
    }
    Ok(told)
}

fn params(plan: &Plan, n_rows: usize) -> Params {
    let mut anchors = [Anchor::default(); ANCHORS];
    for (into, anchor) in anchors.iter_mut().zip(&plan.anchors) {
        *into = Anchor {
            ahead: anchor.ahead as u32,
            spacing: anchor.spacing as u32,
            refit: anchor.refit as u32,
            delay: anchor.delay as u32,
            skip: anchor.skip as u32,
            first: anchor.first as u32,
            loss: anchor.loss,
            ever: anchor.ever,
            lately: anchor.lately,
            growth: anchor.growth,
            ridge: anchor.ridge,
            n_counted: anchor.n_counted() as u32,
        };
    }
    let awake = plan.awake().iter().rev().fold(0, |bits, &awake| 2 * bits + u32::from(awake));
    Params {
        n_series: 0,
        n_samples: plan.n_samples as u32,
        season: plan.season as u32,
        slow: plan.slow as u32,
        smoothed: u32::from(plan.smooth),
        n_steps: 0,
        awake,
        n_rows: n_rows as u32,
        means: plan.means,
        away: plan.away,
        reserved: [0; 2],
        anchors,
    }
}

/// So many series are packed at a time: a cache line of numbers.
const ABREAST: usize = 16;

/// The numbers of a chunk, time-major, packed by all cores in columns that are then laid side by side.
fn packed(work: &Work<'_>, first: usize, n: usize) -> (Vec<f32>, Vec<u32>, Vec<Scale>) {
    let n_samples = work.plan.n_samples;
    let n_words = n_samples.div_ceil(32);
    let column = |at: usize| {
        let width = ABREAST.min(n - at);
        let mut samples = vec![0.0_f32; n_samples * width];
        let mut known = vec![0_u32; n_words * width];
        let scales = (0..width).map(|lane| {
            let values = work.samples(first + at + lane);
            pack(&work.plan, values, &mut samples[lane..], &mut known[lane..], width)
        });
        let scales: Vec<_> = scales.collect();
        (samples, known, scales)
    };
    let starts = (0..n).step_by(ABREAST).collect();
    let columns = each(starts, |_, at| column(at));
    let beside = |t: usize, row: &mut [f32]| {
        for (row, (samples, _, scales)) in row.chunks_mut(ABREAST).zip(&columns) {
            row.copy_from_slice(&samples[t * scales.len()..(t + 1) * scales.len()]);
        }
    };
    let mut samples = vec![0.0_f32; n_samples * n];
    each(samples.chunks_mut(n).collect(), beside);
    let mut known = vec![0_u32; n_words * n];
    for (word, row) in known.chunks_mut(n).enumerate() {
        for (row, (_, known, scales)) in row.chunks_mut(ABREAST).zip(&columns) {
            row.copy_from_slice(&known[word * scales.len()..(word + 1) * scales.len()]);
        }
    }
    let scales = columns.into_iter().flat_map(|(_, _, scales)| scales).collect();
    (samples, known, scales)
}

/// The forecasts of a chunk, put together by all cores.
fn composed(
    work: &Work<'_>,
    first: usize,
    scales: &[Scale],
    samples: &[f32],
    rows: &[f32],
    into: &mut [f64],
) -> Vec<(usize, Reason)> {
    let stride = scales.len();
    let parts: Vec<_> = scales.chunks(256).zip(into.chunks_mut(256 * work.width())).collect();
    each(parts, |part, (scales, into)| {
        let at = part * 256;
        work.compose(first + at, scales, &samples[at..], &rows[at..], stride, into)
    })
    .concat()
}
