//! Whether an observation's time can be believed.
//!
//! In: the times of the observations. Out: go on, or hold and why. A single time that stands out is
//! held; a second one beside it confirms that the host's clock was set, and is followed.

use serde::{Deserialize, Serialize};

use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Longer than this without an observation needs a second one to be believed: a pause of a day is
/// rarer than a clock that was set wrong.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// The time of the last observation that was believed, and of a doubtful one since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Clock {
    last: Option<Timestamp>,
    doubtful: Option<Timestamp>,
}

/// What to do with an observation's time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "one at a time, on the stack, and nothing allocated")]
pub(super) enum Tick {
    Forward,
    /// Believed, but what was remembered lies ahead of it.
    SteppedBack,
    Doubtful(Reason),
}

impl Clock {
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    pub(super) fn tick(&mut self, at: Timestamp) -> Tick {
        let Some(last) = self.last else {
            self.last = Some(at);
            return Tick::Forward;
        };
        if at == last {
            return Tick::Doubtful(Reason::new(codes::TIME_STOOD_STILL, []));
        }
        let is_back = at < last;
        if is_back || at.since(last) > LONGEST_PAUSE {
            // The second one lies no further ahead than a pause, or than twice what the first one did: a host
            // that decides every other day is heard too.
            let confirms = |seen: Timestamp| {
                at > seen && at.since(seen) <= LONGEST_PAUSE.max(seen.since(last).times(2))
            };
            if !self.doubtful.is_some_and(confirms) {
                self.doubtful = Some(at);
                let (back, ahead) = (last.since(at).as_secs_f64(), at.since(last).as_secs_f64());
                return Tick::Doubtful(if is_back {
                    Reason::new(codes::TIME_WENT_BACK, [("back_seconds", back)])
                } else {
                    Reason::new(codes::TIME_JUMPED_AHEAD, [("ahead_seconds", ahead)])
                });
            }
        }
        *self = Self { last: Some(at), doubtful: None };
        if is_back { Tick::SteppedBack } else { Tick::Forward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_time_is_held_and_a_second_one_is_followed() {
        const YEAR: i64 = 31_536_000;
        let mut clock = Clock::default();
        let diary = [
            (0, "ok"),
            (15, "ok"),
            (15, "time_stood_still"),
            (YEAR, "time_jumped_ahead"), // one wrong clock
            (30, "ok"),
            (20, "time_went_back"), // one late observation
            (45, "ok"),
            (YEAR, "time_jumped_ahead"),
            (YEAR + 15, "ok"), // the host was down for a year
            (60, "time_went_back"),
            (75, "back"), // no: its clock was wrong, and is set right again
            (90, "ok"),
            (200_000, "time_jumped_ahead"), // a host that decides every other day
            (400_000, "ok"),
        ];
        for (second, want) in diary {
            let got = match clock.tick(Timestamp::from_secs(second)) {
                Tick::Forward => "ok",
                Tick::SteppedBack => "back",
                Tick::Doubtful(reason) => reason.code(),
            };
            assert_eq!(got, want, "at {second} s");
        }
    }
}
