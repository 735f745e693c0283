//! The memory of `auto` as text.
//!
//! In: what was saved. Out: a memory that goes on with the same numbers, or why it is damaged. Knows
//! nothing of what the numbers tell.

use serde::{Deserialize, Serialize};

use super::{COARSE, COURSES, FINE, MOST_ROOT, Memory, Packed, SLOTS, Seasons, Track, WEEK};
use crate::time::Duration;

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    step: Duration,
    n_samples: u64,
    n_missing: u64,
    now: f64,
    kept: f64,
    odd: i8,
    means: [f32; 4],
    n_known: u64,
    fine: Track,
    coarse: Track,
    filling: (f64, u32),
    seasons: Seasons,
    profile: Packed,
    slow_profile: Packed,
    n_slow: u64,
    away: [[f32; 2]; COURSES],
    n_away: [u32; COURSES],
    next_look: u64,
}

impl From<Memory> for Saved {
    fn from(memory: Memory) -> Self {
        let Memory {
            step, n_samples, n_missing, now, kept, odd, means, n_known, fine, coarse, ..
        } = memory;
        let Memory { filling, seasons, profile, slow_profile, n_slow, .. } = memory;
        let Memory { away, n_away, next_look, .. } = memory;
        Self {
            step,
            n_samples,
            n_missing,
            now,
            kept,
            odd,
            means,
            n_known,
            fine,
            coarse,
            filling,
            seasons,
            profile,
            slow_profile,
            n_slow,
            away,
            n_away,
            next_look,
        }
    }
}

impl TryFrom<Saved> for Memory {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut memory = Self::new(saved.step);
        let Saved { n_samples, n_missing, now, kept, odd, .. } = saved;
        let Saved { means, n_known, fine, coarse, filling, .. } = saved;
        let Seasons { season, slow } = saved.seasons;
        const MOST: u64 = 1 << 53; // so that counting on never overflows
        let counts = n_samples <= MOST && n_missing <= n_samples && n_known <= n_samples;
        let n_bins = n_samples / memory.width as u64;
        let tracks = fine.len() as u64 == n_samples.min(FINE as u64)
            && coarse.len() as u64 == n_bins.min(COARSE as u64)
            && fine.next < FINE
            && coarse.next < COARSE
            && (fine.len() == FINE || fine.next == 0)
            && (coarse.len() == COARSE || coarse.next == 0);
        let in_range = |value: f32| value.abs() <= MOST_ROOT as f32;
        let parts = [&fine.values, &coarse.values, &saved.profile, &saved.slow_profile];
        let numbers = means.iter().chain(saved.away.as_flattened()).copied().all(in_range)
            && parts.iter().all(|part| part.is_whole(MOST_ROOT as f32))
            && (0.0..=MOST_ROOT).contains(&now)
            && (0.0..=MOST_ROOT).contains(&kept)
            && (0.0..=MOST_ROOT * f64::from(filling.1)).contains(&filling.0)
            && (filling.1 as usize) < memory.width.max(2);
        let seasons = season.is_none_or(|season| season >= 2)
            && slow.is_none_or(|slow| Some(slow) > season)
            && saved.profile.len() == season.map_or(0, |season| season.min(SLOTS))
            && saved.slow_profile.len()
                == slow.map_or(0, |slow| slow.div_ceil(memory.width).min(WEEK))
            && saved.n_slow <= n_bins;
        if !(counts && tracks && numbers && seasons && n_samples < saved.next_look) {
            return Err("the memory of a forecaster is damaged".to_owned());
        }
        memory.seasons = saved.seasons;
        memory.profile = saved.profile;
        memory.slow_profile = saved.slow_profile;
        memory.n_slow = saved.n_slow;
        memory.away = saved.away;
        memory.n_away = saved.n_away;
        memory.next_look = saved.next_look;
        memory.now = now;
        memory.kept = kept;
        memory.odd = odd;
        let mut memory =
            Self { n_samples, n_missing, means, n_known, fine, coarse, filling, ..memory };
        memory.lacking = memory.width - (memory.n_samples % memory.width as u64) as usize;
        memory.find_phases();
        memory.base = memory.courses(0);
        Ok(memory)
    }
}
