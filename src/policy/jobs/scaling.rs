//! KEDA's arithmetic of jobs: how many the queues ask for, and how many of them to start.
//!
//! In: queue lengths, and the jobs there are. Out: numbers, also negative ones, which stand for
//! none. Knows no metric and no settings. Followed are KEDA 2.20 and 2.21, in their order.

/// A queue, and how many of its items are a job's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// Items that wait.
    pub length: f64,
    /// Items a job; 0 asks for no jobs.
    pub target: f64,
    /// Whether it is above its activation threshold; if not it does not count.
    pub active: bool,
}

/// How several queues become one demand. KEDA: `multipleScalersCalculation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calculation {
    /// The longest queue decides; if all are empty there is no activity.
    #[default]
    Max,
    /// The shortest queue decides; one without items gives way to the next.
    Min,
    /// The means over the active queues.
    Avg,
    /// The sums.
    Sum,
}

/// What the queues ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Whether jobs are to be started at all.
    pub active: bool,
    /// Items that wait, rounded up.
    pub queue_length: i64,
    /// Jobs that they ask for, rounded up; never above what the limits leave.
    pub max_scale: i64,
}

/// The fewest and the most jobs. Those of the minimum run permanently and are taken out of the
/// maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    min: i64,
    cap: i64,
}

impl Limits {
    /// From the configured ones; a minimum above the maximum counts as the maximum.
    #[must_use]
    pub fn new(min: u32, max: u32) -> Self {
        // KEDA takes an excessive minimum out of nothing.
        let cap = max.checked_sub(min).unwrap_or(max);
        Self { min: min.min(max).into(), cap: cap.into() }
    }

    /// The jobs that run whatever the queues say.
    #[must_use]
    pub fn min(&self) -> i64 {
        self.min
    }

    /// The most jobs beside those.
    #[must_use]
    pub fn cap(&self) -> i64 {
        self.cap
    }
}

/// What the queues ask for together.
///
/// ```
/// use forescale::policy::jobs::scaling::{Calculation, Limits, Queue, job_demand};
///
/// let queues = [(20.0, 1.0), (10.0, 2.0)];
/// let queues = queues.map(|(length, target)| Queue { length, target, active: true });
/// let of = |calculation| job_demand(&queues, calculation, Limits::new(2, 14)).max_scale;
/// assert_eq!(of(Calculation::Max), 12); // 20, but 14 less the 2 permanent ones
/// assert_eq!(of(Calculation::Min), 5);
/// assert_eq!(of(Calculation::Avg), 9); // ceil((12 + 5) / 2)
/// ```
#[must_use]
pub fn job_demand(queues: &[Queue], calculation: Calculation, limits: Limits) -> Demand {
    let cap = limits.cap() as f64;
    let shares = queues.iter().filter(|queue| queue.active).map(|queue| {
        let share = if queue.target == 0.0 { 0.0 } else { (queue.length / queue.target).min(cap) };
        (queue.length, share)
    });
    let one_of = |takes: fn(f64, f64) -> bool| {
        let start = (false, 0.0, 0.0);
        shares.clone().fold(start, |(active, most, share), (length, its_share)| {
            if takes(length, most) { (true, length, its_share) } else { (active, most, share) }
        })
    };
    let (active, length, share) = match calculation {
        Calculation::Max => one_of(|length, most| length > most),
        Calculation::Min => one_of(|length, least| least == 0.0 || length < least),
        Calculation::Sum | Calculation::Avg => {
            let (mut length, mut share, mut n_queues) = (0.0, 0.0, 0_u32);
            for (its_length, its_share) in shares {
                (length, share, n_queues) = (length + its_length, share + its_share, n_queues + 1);
            }
            if calculation == Calculation::Avg && n_queues > 0 {
                (length, share) = (length / f64::from(n_queues), share / f64::from(n_queues));
            }
            (n_queues > 0, length, share)
        }
    };
    Demand {
        active: active || limits.min() > 0,
        queue_length: length.ceil() as i64,
        max_scale: share.min(cap).ceil() as i64,
    }
}

/// The jobs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jobs {
    /// Jobs that have not ended, those that have not begun included.
    pub running: i64,
    /// Those of them that have not begun.
    pub pending: i64,
}

/// How the demand and the jobs there are become jobs to start. KEDA: `scalingStrategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Strategy {
    /// The demand less the running jobs.
    #[default]
    Default,
    /// The demand less a number and less a share of the running jobs.
    Custom {
        /// The number. KEDA: `customScalingQueueLengthDeduction`.
        deduction: i64,
        /// The share, as a ratio. KEDA: `customScalingRunningJobPercentage`.
        running_share: f64,
    },
    /// For queues that no longer count the items in work: the demand less the pending jobs.
    Accurate,
    /// Fills all places that are free.
    Eager,
}

impl Strategy {
    /// The custom strategy from the texts of its settings; without a share that is a finite number
    /// it is the default one, and without a number to deduct that is 0. KEDA: `NewScalingStrategy`.
    ///
    /// ```
    /// use forescale::policy::jobs::scaling::Strategy;
    ///
    /// assert_eq!(Strategy::custom(Some(1), Some("half")), Strategy::Default);
    /// let custom = Strategy::Custom { deduction: 0, running_share: 0.5 };
    /// assert_eq!(Strategy::custom(None, Some("0.5")), custom);
    /// ```
    #[must_use]
    pub fn custom(deduction: Option<i64>, running_share: Option<&str>) -> Self {
        let share = running_share.and_then(|text| text.parse().ok());
        match share.filter(|share: &f64| share.is_finite()) {
            Some(running_share) => {
                Self::Custom { deduction: deduction.unwrap_or(0), running_share }
            }
            None => Self::Default,
        }
    }
}

/// Jobs to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The most to start; none if not positive.
    pub effective_max: i64,
    /// How many there is work for; the lesser of the two is started.
    pub scale_to: i64,
}

impl Start {
    /// The jobs that are started in the end.
    ///
    /// ```
    /// use forescale::policy::jobs::scaling::Start;
    ///
    /// assert_eq!(Start { effective_max: 4, scale_to: 3 }.jobs(), 3);
    /// assert_eq!(Start { effective_max: -1, scale_to: 3 }.jobs(), 0);
    /// ```
    #[must_use]
    pub fn jobs(&self) -> u32 {
        self.effective_max.min(self.scale_to).clamp(0, i64::from(u32::MAX)) as u32
    }
}

/// How many jobs to start by a strategy, at a demand of `max_scale` jobs and at most `cap` of them.
/// `scale_to` is how many there is work for.
///
/// ```
/// use forescale::policy::jobs::scaling::{Jobs, Strategy, job_strategy};
///
/// let jobs = Jobs { running: 3, pending: 1 };
/// let start = |strategy| job_strategy(strategy, 6, jobs, 10, 6).effective_max;
/// assert_eq!(start(Strategy::Default), 3);
/// assert_eq!(start(Strategy::Accurate), 5);
/// assert_eq!(start(Strategy::Eager), 6);
/// assert_eq!(start(Strategy::Custom { deduction: 1, running_share: 0.5 }), 4);
/// ```
#[must_use]
pub fn job_strategy(
    strategy: Strategy,
    max_scale: i64,
    jobs: Jobs,
    cap: i64,
    scale_to: i64,
) -> Start {
    let Jobs { running, pending } = jobs;
    let effective_max = match strategy {
        Strategy::Default => max_scale.saturating_sub(running),
        Strategy::Custom { deduction, running_share } => {
            let running = (running as f64 * running_share).trunc() as i64;
            max_scale.saturating_sub(deduction).saturating_sub(running).min(cap)
        }
        Strategy::Accurate => {
            if max_scale.saturating_add(running).saturating_sub(pending) > cap {
                cap.saturating_sub(running)
            } else {
                max_scale.saturating_sub(pending)
            }
        }
        Strategy::Eager => cap.saturating_sub(running).saturating_sub(pending).min(max_scale),
    };
    let scale_to = if strategy == Strategy::Eager { cap } else { scale_to };
    Start { effective_max, scale_to }
}

/// How many jobs to start: those that the minimum lacks, else by the strategy beside the minimum.
///
/// ```
/// use forescale::policy::jobs::scaling::{Jobs, Limits, Start, Strategy, job_decision};
///
/// let limits = Limits::new(2, 100);
/// let decide = |running| {
///     job_decision(Strategy::Default, 9, Jobs { running, pending: 0 }, limits, 40)
/// };
/// assert_eq!(decide(1), Start { effective_max: 1, scale_to: 1 });
/// assert_eq!(decide(3), Start { effective_max: 8, scale_to: 40 });
/// ```
#[must_use]
pub fn job_decision(
    strategy: Strategy,
    max_scale: i64,
    jobs: Jobs,
    limits: Limits,
    scale_to: i64,
) -> Start {
    let missing = limits.min().saturating_sub(jobs.running);
    if missing > 0 {
        return Start { effective_max: missing, scale_to: missing };
    }
    let beside = Jobs { running: jobs.running.saturating_sub(limits.min()), ..jobs };
    job_strategy(strategy, max_scale, beside, limits.cap(), scale_to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues<const N: usize>(lengths: [f64; N]) -> [Queue; N] {
        lengths.map(|length| Queue { length, target: 2.0, active: true })
    }

    #[test]
    fn of_the_shortest_queue_one_without_items_gives_way_only_to_those_after_it() {
        let shortest = |lengths| {
            job_demand(&queues(lengths), Calculation::Min, Limits::new(0, 100)).queue_length
        };
        assert_eq!(shortest([0.0, 5.0, 7.0]), 5);
        assert_eq!(shortest([5.0, 0.0, 7.0]), 7);
        assert_eq!(shortest([5.0, 7.0, 0.0]), 0);
    }

    #[test]
    fn a_minimum_above_the_maximum_counts_as_the_maximum() {
        let limits = Limits::new(7, 5);
        assert_eq!((limits.min(), limits.cap()), (5, 5));
        let limits = Limits::new(5, 5);
        assert_eq!((limits.min(), limits.cap()), (5, 0));
    }

    #[test]
    fn a_share_of_the_running_jobs_is_cut_to_whole_ones() {
        let custom = Strategy::Custom { deduction: 1, running_share: 0.4 };
        let start = job_strategy(custom, 10, Jobs { running: 4, pending: 0 }, 100, 10);
        assert_eq!(start.effective_max, 8); // 10 - 1 - trunc(1.6)
    }

    #[test]
    fn numbers_beyond_all_reason_saturate() {
        let jobs = Jobs { running: i64::MAX, pending: i64::MAX };
        for strategy in [
            Strategy::Default,
            Strategy::Accurate,
            Strategy::Eager,
            Strategy::Custom { deduction: i64::MIN, running_share: -1e300 },
        ] {
            let start = job_strategy(strategy, i64::MIN, jobs, i64::MAX, 0);
            assert_eq!(start.jobs(), 0, "{strategy:?}");
        }
        let endless = [Queue { length: 1e300, target: 1e-300, active: true }];
        let demand = job_demand(&endless, Calculation::Sum, Limits::new(0, 100));
        assert_eq!((demand.queue_length, demand.max_scale), (i64::MAX, 100));
    }
}
