//! Lanes on the device, chunk by chunk.
//!
//! In: lanes that have entered. Out: the same as on the cores, but for rounding.

use std::collections::BTreeSet;

use super::lane::{Lane, NONE};
use super::sheet::Sheet;
use super::state::{Rings, Sums};
use super::{Lanes, Replayed, Told};
use crate::Error;
use crate::gpu::device::{Failure, Gpu, open};
use crate::gpu::replay::{Chunk, Params, Shared};
use crate::gpu::{Choice, Seconds};

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
    let mut device_seconds = gpu.info().has_timestamps.then(Seconds::default);
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    order.sort_by_key(|&at| lanes[at].tapes);
    let mut left = &order[..];
    let mut begin = || {
        let n_before = order.len() - left.len();
        let (chunk, tapes) = chunk(left, lanes, most_lanes, most_tapes);
        left = &left[chunk.len()..];
        let mut words = Vec::new();
        for &at in chunk {
            // Where there is none, any serves.
            let place = |tape| tapes.binary_search(&tape).unwrap_or_default() as u32;
            words.extend(Lane { tapes: lanes[at].tapes.map(place), ..lanes[at] }.words());
        }
        let told_of = |tape: &u32| &of.tapes.words[*tape as usize];
        let known: Vec<u32> = tapes.iter().flat_map(told_of).copied().collect();
        match chunk.len() {
            0 => Ok(None),
            _ => {
                Chunk::begin(gpu, &shared, &words, &known).map(|made| Some((n_before, chunk, made)))
            }
        }
    };
    let mut receive = |ids: &[usize], made: Chunk| {
        let (answers, seconds) = made.receive(gpu)?;
        if let Some(all) = &mut device_seconds {
            *all += seconds;
        }
        let n_spans = shared.n_answers() / 3;
        for (place, &at) in ids.iter().enumerate() {
            let number = |which: usize| answers[which * ids.len() + place];
            let span = |span: usize| Sums {
                violated: number(3 * span),
                paid: number(3 * span + 1),
                paid_rest: number(3 * span + 2),
            };
            let has_ended = number(3 * n_spans) == 1;
            told[at] = has_ended.then(|| of.spans(&(0..n_spans).map(span).collect::<Vec<_>>()));
        }
        Ok::<(), Failure>(())
    };
    let (mut next, mut before) = (begin()?, None);
    while let Some((n_before, ids, mut made)) = next {
        made.start(gpu)?;
        // While the device works: the answers of the chunk before, the input of the one to come.
        if let Some((ids, before)) = before.take() {
            receive(ids, before)?;
        }
        next = begin()?;
        let go_on =
            |share: f64| go_on((n_before as f64 + share * ids.len() as f64) / lanes.len() as f64);
        if !made.finish(gpu, &go_on)? {
            break;
        }
        before = Some((ids, made));
    }
    if let Some((ids, before)) = before {
        receive(ids, before)?;
    }
    Ok(Replayed { told, device: gpu.info().adapter.clone(), device_seconds })
}

/// The next lanes that fit, and their tapes in order.
fn chunk<'a>(
    left: &'a [usize],
    lanes: &[Lane],
    most_lanes: usize,
    most_tapes: usize,
) -> (&'a [usize], Vec<u32>) {
    let mut tapes = BTreeSet::new();
    let mut n = 0;
    for &at in left.iter().take(most_lanes) {
        let own = lanes[at].tapes.into_iter().filter(|&tape| tape != NONE);
        let new: Vec<u32> = own.filter(|tape| !tapes.contains(tape)).collect();
        if tapes.len() + new.len() > most_tapes {
            break;
        }
        tapes.extend(new);
        n += 1;
    }
    (&left[..n], tapes.into_iter().collect())
}

fn ticks(sheet: &Sheet) -> Vec<f32> {
    let begins = sheet.begins.iter().map(|&begins| f32::from(u8::from(begins)));
    let numbers = sheet.loads.iter().zip(&sheet.errors).zip(begins).zip(&sheet.slots);
    numbers
        .flat_map(|(((&load, &error), begins), &slot)| [load, error, begins, slot as f32])
        .collect()
}

fn params(of: &Lanes<'_>, rings: &Rings) -> Params {
    let Rings { starting, used, stopped, seen, events, kept, had, .. } = *rings;
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
        kept,
        had,
        recent: of.sheet.recent,
        age: of.sheet.age,
        memory: of.sheet.memory,
        gap: of.sheet.gap,
        ..Params::default()
    }
}
