//! Lanes on the device, chunk by chunk.
//!
//! In: lanes that have entered. Out: the same as on the cores, but for rounding.

use super::lane::Lane;
use super::sheet::{ABSENT, Sheet};
use super::state::{Rings, Sums};
use super::{Lanes, Replayed, Told};
use crate::Error;
use crate::gpu::Choice;
use crate::gpu::device::{Failure, Gpu, open};
use crate::gpu::replay::{Params, Shared, run};

/// What became of all lanes; `None` if the device was lost twice.
///
/// # Errors
/// If there is none, or it refuses.
pub(super) fn on_device(
    of: &Lanes<'_>,
    lanes: &[Lane],
    choice: &Choice,
    go_on: &dyn Fn(f64) -> bool,
) -> Result<Option<Replayed>, Error> {
    for _ in 0..2 {
        let gpu = open(choice)?;
        match in_chunks(of, lanes, &gpu, go_on) {
            Ok(replayed) => return Ok(Some(replayed)),
            Err(Failure::Lost) => {}
            Err(failure) => return Err(failure.into_error()),
        }
    }
    Ok(None)
}

fn in_chunks(
    of: &Lanes<'_>,
    lanes: &[Lane],
    gpu: &Gpu,
    go_on: &dyn Fn(f64) -> bool,
) -> Result<Replayed, Failure> {
    let rings = Rings::of(lanes, &of.sheet);
    let ticks = ticks(&of.sheet);
    let shared = Shared {
        params: params(of, &rings),
        ticks: &ticks,
        starts: &of.sheet.starts,
        tables: &of.tables.words,
        n_ring_words: rings.n_words as usize,
    };
    let (most_lanes, most_tapes) = (shared.most_lanes(gpu)?, shared.most_tapes(gpu)?);
    let mut told: Vec<Told> = vec![None; lanes.len()];
    let mut kernel_seconds = gpu.info().has_timestamps.then_some(0.0);
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    order.sort_by_key(|&at| lanes[at].tape);
    let mut left = &order[..];
    while !left.is_empty() {
        let n_done = lanes.len() - left.len();
        let (chunk, tapes) = chunk(left, lanes, most_lanes, most_tapes);
        let mut words = Vec::new();
        for &at in chunk {
            let tape = tapes.iter().position(|&tape| tape == lanes[at].tape).unwrap_or_default();
            words.extend(Lane { tape: tape as u32, ..lanes[at] }.words());
        }
        let told_of = |tape: &u32| {
            let tape = &of.tapes[*tape as usize];
            tape.readings.iter().zip(&tape.demands).flat_map(|(&one, &other)| [one, other])
        };
        let numbers: Vec<f32> = tapes.iter().flat_map(told_of).collect();
        let part = chunk.len() as f64;
        let share = |share: f64| go_on((n_done as f64 + share * part) / lanes.len() as f64);
        let Some((answers, seconds)) = run(gpu, &shared, &words, &numbers, &share)? else {
            break;
        };
        kernel_seconds = kernel_seconds.map(|all| all + seconds);
        let n_spans = shared.n_answers() / 3;
        for (place, &at) in chunk.iter().enumerate() {
            let number = |which: usize| answers[which * chunk.len() + place];
            let span = |span: usize| Sums {
                violated: number(3 * span),
                paid: number(3 * span + 1),
                paid_rest: number(3 * span + 2),
            };
            let has_ended = number(3 * n_spans) == 1;
            told[at] = has_ended.then(|| of.spans(&(0..n_spans).map(span).collect::<Vec<_>>()));
        }
        left = &left[chunk.len()..];
    }
    Ok(Replayed { told, device: gpu.info().adapter.clone(), kernel_seconds })
}

/// The next lanes that fit, and their tapes.
fn chunk<'a>(
    left: &'a [usize],
    lanes: &[Lane],
    most_lanes: usize,
    most_tapes: usize,
) -> (&'a [usize], Vec<u32>) {
    let mut tapes = Vec::new();
    let mut n = 0;
    for &at in left.iter().take(most_lanes) {
        let tape = lanes[at].tape;
        if tapes.last() != Some(&tape) {
            if tapes.len() == most_tapes {
                break;
            }
            tapes.push(tape);
        }
        n += 1;
    }
    (&left[..n], tapes)
}

fn ticks(sheet: &Sheet) -> Vec<f32> {
    let begins = sheet.begins.iter().map(|&begins| f32::from(u8::from(begins)));
    let numbers = sheet.loads.iter().zip(&sheet.errors).zip(begins);
    numbers.flat_map(|((&load, &error), begins)| [load, error, begins, ABSENT]).collect()
}

fn params(of: &Lanes<'_>, rings: &Rings) -> Params {
    let Rings { starting, used, stopped, seen, events, .. } = *rings;
    let [seen_up, seen_down] = seen;
    let [events_up, events_down] = events;
    Params {
        n_ticks: of.sheet.n_ticks() as u32,
        span_ticks: of.span_ticks as u32,
        interval: of.sheet.interval,
        late_after: of.sheet.late_after,
        timeout: of.sheet.timeout,
        starting,
        used,
        stopped,
        seen_up,
        seen_down,
        events_up,
        events_down,
        ..Params::default()
    }
}
