//! Whether the load that is read is all that comes.
//!
//! In: the load now, the replicas that are ready and what they carry. Out: the replicas that a fleet asks
//! for whose true load nobody sees. Knows no forecast.

use serde::{Deserialize, Serialize};

use super::rehearsal::Rehearsal;
use super::weigh::Weigher;
use crate::series::TimedMax;
use crate::time::{Duration, Timestamp};

/// A load that is measured where it is served is never more than what the ready replicas carry, so that
/// behind a full fleet there may be any load (censoring).
///
/// One that just fills the fleet looks the same. Two things tell them apart. What is measured where it comes
/// is read beyond what the replicas carry now and then; for a week after that nothing is hidden. What is
/// served follows the replicas: more of them get ready, and they are full again. Until then all that is kept
/// is ordered too, so that it can be seen. From then on it asks for as many as a law that knows only full use
/// would, and for the double once that has filled too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saturation {
    /// The most replicas that were ready while a reading may be on its way.
    ready: Option<TimedMax>,
    /// When the load was read beyond what they carry.
    beyond: Option<Timestamp>,
    episode: Option<Episode>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Episode {
    /// When the fleet was full last.
    last: Timestamp,
    /// The replicas that the load has filled.
    filled: u32,
    /// How often it has followed them.
    n_followed: u32,
}

impl Saturation {
    /// Use from which on a fleet is full: an error of a reading below all that it carries.
    const FULL: f64 = 0.97;

    /// Use that is more than full, beyond three errors of the reading.
    const BEYOND: f64 = 1.02;

    /// So many more replicas must have got ready, that an old reading is not taken for a full fleet.
    const MORE: f64 = 1.05;

    /// So old a reading may be.
    pub(super) const AGE: Duration = Duration::from_secs(120);
    const GRAIN: Duration = Weigher::SLOT;

    /// So long a load that was read beyond is taken for one that hides nothing.
    pub(super) const MEMORY: Duration = Duration::from_secs(7 * 86_400);

    /// The replicas to ask for at least, by the load now and its error; `None` where it is what it seems
    /// to be.
    pub(super) fn see(
        &mut self,
        at: Timestamp,
        (load, error): (f64, f64),
        ready: u32,
        full: f64,
    ) -> Option<f64> {
        let replicas = f64::from(ready);
        let recent = self.ready.get_or_insert_with(|| TimedMax::new(Self::AGE, Self::GRAIN));
        recent.record(at, replicas);
        let most = recent.max().unwrap_or(replicas).max(replicas);
        if Self::is_beyond((load, error), most, full) {
            self.beyond = Some(at);
        }
        self.beyond =
            self.beyond.filter(|&beyond| beyond <= at && at.since(beyond) <= Self::MEMORY);
        if self.beyond.is_some() {
            self.episode = None;
            return None;
        }
        if !Self::is_full(load, replicas, full) || ready == 0 {
            let is_on =
                |episode: &Episode| episode.last <= at && at.since(episode.last) <= Self::AGE;
            self.episode = self.episode.take().filter(is_on);
            return None;
        }
        let episode =
            self.episode.get_or_insert(Episode { last: at, filled: ready, n_followed: 0 });
        episode.last = at;
        episode.filled = episode.filled.min(ready);
        if Self::follows(ready, episode.filled) {
            episode.filled = ready;
            episode.n_followed = episode.n_followed.saturating_add(1);
        }
        Some(Self::asks(episode.n_followed, replicas))
    }

    /// Whether the load is more than so many replicas carry.
    pub(super) fn is_beyond((load, error): (f64, f64), replicas: f64, full: f64) -> bool {
        load - 3.0 * error > Self::BEYOND * replicas * full
    }

    /// Whether the load fills so many replicas.
    pub(super) fn is_full(load: f64, replicas: f64, full: f64) -> bool {
        load >= Self::FULL * replicas * full
    }

    /// Whether so many that are full are more than those that were.
    pub(super) fn follows(ready: u32, filled: u32) -> bool {
        ready > filled && f64::from(ready) >= Self::MORE * f64::from(filled)
    }

    /// The replicas that a full fleet asks for at least, once its load has followed so often.
    pub(super) fn asks(n_followed: u32, replicas: f64) -> f64 {
        match n_followed {
            // No more than is kept.
            0 => 1.0,
            // At full use an HPA asks for ready / target.
            1 => (replicas / Rehearsal::TARGET).ceil(),
            _ => 2.0 * replicas,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes, and at each the load and the ready replicas, which carry 1 each; what is asked for.
    fn asked(diary: &[(i64, f64, u32)]) -> Vec<Option<f64>> {
        let mut saturation = Saturation::default();
        let mut see = |&(minute, load, ready): &(i64, f64, u32)| {
            saturation.see(Timestamp::from_secs(60 * minute), (load, 0.01 * load), ready, 1.0)
        };
        diary.iter().map(&mut see).collect()
    }

    #[test]
    fn a_load_that_follows_the_replicas_is_more_than_is_seen() {
        let diary = [
            (0, 10.0, 10),
            (1, 10.1, 10),
            (2, 10.0, 11), // an old reading, of ten
            (3, 11.0, 11),
            (4, 15.8, 16),
            (6, 11.0, 16), // a reading of before
            (7, 32.0, 32),
            (8, 32.0, 40),
            (11, 30.0, 40), // enough
            (12, 40.0, 40),
        ];
        let full = Some(1.0);
        let want = [full, full, None, Some(16.0), Some(32.0), None, Some(64.0), None, None, full];
        assert_eq!(asked(&diary), want);
    }

    #[test]
    fn a_load_that_is_seen_asks_for_nothing_more() {
        // It fills the fleet; it falls; there is no replica.
        let filled = [(0, 9.9, 10), (1, 10.0, 10), (2, 10.0, 10), (60, 9.8, 10), (61, 9.8, 11)];
        let falls = [(0, 10.0, 10), (1, 7.0, 10), (9, 5.0, 5), (10, 5.5, 6)];
        for diary in [&filled[..], &falls, &[(0, 0.0, 0), (1, 5.0, 0)]] {
            assert!(asked(diary).iter().all(|&asked| asked <= Some(1.0)), "{diary:?}");
        }
    }

    /// Three errors and more beyond what is carried: for a week it is what it seems to be.
    #[test]
    fn a_load_that_was_read_beyond_the_replicas_hides_nothing_for_a_week() {
        const WEEK: i64 = 7 * 1440;
        let follows = |from: i64| [(from, 10.0, 10), (from + 3, 11.0, 11), (from + 5, 16.0, 16)];
        let mut diary = vec![(0, 10.8, 10)];
        diary.extend(follows(10));
        diary.extend(follows(WEEK + 10));
        let want = [None, None, None, None, Some(1.0), Some(16.0), Some(32.0)];
        assert_eq!(asked(&diary), want);
        // A replica is lost, and the reading is one of before.
        let mut diary = vec![(0, 8.0, 10), (1, 8.0, 6)];
        diary.extend(follows(10));
        assert!(asked(&diary).iter().any(|&asked| asked > Some(1.0)));
    }
}
