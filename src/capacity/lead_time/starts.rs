//! How long replicas took to start, from looks at how many are ready.
//!
//! In: at each look the replicas that are ready and asked for, and between two looks what is
//! decided. Out: each start that got ready, as the interval in which its length lies. Knows no
//! replica by its name, so the one asked for first counts as the one ready first.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::series::Replicas;
use crate::time::{Duration, Timestamp};

/// Replicas that were asked for and are not ready yet.
///
/// A start tells its length only where nothing else can explain what was seen. Replicas that were
/// ready and are no more (they crashed, or are being replaced) may come back at any time, so all
/// that start meanwhile tell nothing; of those asked for while others are overdue, as many are left
/// out as those others may stand in for. Replicas that never come are therefore never a length.
///
/// ```
/// use forescale::capacity::lead_time::Starts;
/// use forescale::series::Replicas;
/// use forescale::{Duration, Timestamp};
///
/// let mut starts = Starts::default();
/// let mut seen = Vec::new();
/// for (second, ready) in [(0, 2), (15, 2), (30, 2), (45, 4)] {
///     let (at, most) = (Timestamp::from_secs(second), Duration::from_secs(600));
///     let replicas = Replicas { ready, pending: 4 - ready, requested: None };
///     starts.see(at, if second == 0 { Replicas { pending: 0, ..replicas } } else { replicas }, most,
///         |start| seen.push((start.least.as_secs_f64(), start.most.as_secs_f64(), start.n)));
///     starts.decided(at, 4);
/// }
/// assert_eq!(seen, [(30.0, 45.0, 2)]); // not ready after 30 seconds, ready after 45
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Starts {
    /// `None` before the first look.
    last: Option<Look>,
    /// Invariant: at most `MOST` of them, the one asked for first in front, none of nothing; after a
    /// look as many replicas as are missing.
    launches: VecDeque<Launch>,
}

/// Replicas that got ready between two looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// It took longer than this.
    pub least: Duration,
    /// And not longer than this.
    pub most: Duration,
    /// So many replicas.
    pub n: u32,
    /// Of so many that were asked for together.
    pub of: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    at: Timestamp,
    ready: u32,
    /// The size that was seen, and the size asked for since, which differ where the host is late or
    /// does not show what is pending.
    current: u32,
    asked: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Launch {
    /// Asked for not before and not after.
    from: Timestamp,
    to: Timestamp,
    n: u32,
    of: u32,
    /// Whether its readiness tells how long a start takes.
    tells: bool,
}

impl Default for Starts {
    fn default() -> Self {
        Self { last: None, launches: VecDeque::with_capacity(Self::MOST + 2) }
    }
}

impl Starts {
    /// So many launches are told apart; of more, the oldest two count as one that tells nothing.
    pub const MOST: usize = 64;

    /// Takes in a look. What got ready is told, unless it may have taken longer than `most`.
    pub fn see(
        &mut self,
        at: Timestamp,
        replicas: Replicas,
        most: Duration,
        mut tell: impl FnMut(Start),
    ) {
        let (ready, current) = (replicas.ready, replicas.current());
        let Some(last) = self.last else {
            self.last = Some(Look { at, ready, current, asked: current });
            self.agree(at);
            return;
        };
        let asked = match replicas.requested {
            Some(requested) => requested,
            // Not yet shown, or never: what was asked for stands until something else is decided.
            None if last.asked > last.current => current.max(last.asked),
            None => current,
        };
        for launch in self.launches.iter_mut().filter(|launch| at.since(launch.from) > most) {
            launch.tells = false;
        }
        // Somebody else asked, at some time since the last look.
        let n_more = asked.saturating_sub(last.asked);
        let tells = at.since(last.at) <= most;
        let more = Launch { from: last.at, to: at, n: n_more, of: n_more, tells };
        if replicas.requested.is_some() {
            self.launch(more);
        }
        self.cancel(last.asked.saturating_sub(asked));
        let mut n_risen = ready.saturating_sub(last.ready);
        while n_risen > 0
            && let Some(oldest) = self.launches.front_mut()
        {
            let n = oldest.n.min(n_risen);
            if oldest.tells {
                let (least, most) = (last.at.since(oldest.to), at.since(oldest.from));
                tell(Start { least, most, n, of: oldest.of });
            }
            (oldest.n, n_risen) = (oldest.n - n, n_risen - n);
            if oldest.n == 0 {
                self.launches.pop_front();
            }
        }
        // Where the size asked for is not shown, what is ready as soon as it is seen may have been
        // starting unseen for long: only the others tell.
        if replicas.requested.is_none() {
            self.launch(Launch { n: n_more.saturating_sub(n_risen), ..more });
        }
        if ready < last.ready && ready < asked {
            // Some are lost, and come back as if they had just been asked for.
            self.launches.iter_mut().for_each(|launch| launch.tells = false);
        }
        self.last = Some(Look { at, ready, current, asked });
        self.agree(at);
    }

    /// Hears the size that is asked for from `at` on.
    pub fn decided(&mut self, at: Timestamp, replicas: u32) {
        let Some(last) = &mut self.last else { return };
        let before = std::mem::replace(&mut last.asked, replicas);
        let n = replicas.saturating_sub(before);
        self.cancel(before.saturating_sub(replicas));
        self.launch(Launch { from: at, to: at, n, of: n, tells: true });
        self.agree(at);
    }

    /// Forgets what is starting, as after a clock that was set back.
    pub fn clear(&mut self) {
        self.last = None;
        self.launches.clear();
    }

    /// So many replicas that were asked for are not ready.
    #[must_use]
    pub fn n_starting(&self) -> u32 {
        self.launches.iter().fold(0, |n: u32, launch| n.saturating_add(launch.n))
    }

    fn launch(&mut self, launch: Launch) {
        // Those that may come in its stead.
        let silent = self.launches.iter().filter(|launch| !launch.tells);
        let n_silent = silent.fold(0, |n: u32, launch| n.saturating_add(launch.n)).min(launch.n);
        for (n, tells) in [(launch.n - n_silent, launch.tells), (n_silent, false)] {
            if n > 0 {
                self.launches.push_back(Launch { n, tells, ..launch });
            }
        }
        while self.launches.len() > Self::MOST
            && let Some(oldest) = self.launches.pop_front()
            && let Some(next) = self.launches.front_mut()
        {
            next.n = next.n.saturating_add(oldest.n);
            (next.of, next.tells) = (next.of.max(next.n), false);
        }
    }

    /// Those that are not ready are the first to go, the youngest before the others.
    fn cancel(&mut self, mut n_gone: u32) {
        while n_gone > 0
            && let Some(youngest) = self.launches.back_mut()
        {
            let n = youngest.n.min(n_gone);
            (youngest.n, n_gone) = (youngest.n - n, n_gone - n);
            if youngest.n == 0 {
                self.launches.pop_back();
            }
        }
    }

    /// Brings what is starting to the number that is missing: more of it came unseen, fewer were
    /// lost unseen.
    fn agree(&mut self, at: Timestamp) {
        let Some(last) = self.last else { return };
        let (missing, starting) = (last.asked.saturating_sub(last.ready), self.n_starting());
        let mut n_unseen = starting.saturating_sub(missing);
        while n_unseen > 0
            && let Some(oldest) = self.launches.front_mut()
        {
            let n = oldest.n.min(n_unseen);
            (oldest.n, n_unseen) = (oldest.n - n, n_unseen - n);
            if oldest.n == 0 {
                self.launches.pop_front();
            }
        }
        if missing > starting {
            let n = missing - starting;
            self.launch(Launch { from: at, to: at, n, of: n, tells: false });
        }
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    last: Option<Look>,
    launches: Vec<Launch>,
}

impl TryFrom<Saved> for Starts {
    type Error = String;

    fn try_from(Saved { last, launches }: Saved) -> Result<Self, String> {
        let wrong =
            |launch: &Launch| launch.n == 0 || launch.n > launch.of || launch.from > launch.to;
        if launches.len() > Self::MOST
            || (last.is_none() && !launches.is_empty())
            || launches.iter().any(wrong)
        {
            return Err(format!(
                "{} launches are too many, of nothing or unheard of",
                launches.len()
            ));
        }
        let mut starts = Self { last, ..Self::default() };
        starts.launches.extend(launches);
        Ok(starts)
    }
}

#[cfg(test)]
mod tests;
