//! Which pods take part in the arithmetic, as the Kubernetes HPA sorts them.
//!
//! In: a pod's life so far and its latest sample. Out: its [`Standing`]. A host that has these
//! facts uses it to fill in the phases of its readings; the policy itself does not need it.

use crate::time::{Duration, Timestamp};

/// How a pod counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Takes part with its sample.
    Ready,
    /// Starting or not ready: its sample is dropped at first.
    Unready,
    /// Takes part, but has no sample.
    Missing,
    /// Ending or failed: dropped for good.
    Ignored,
}

/// What is known of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Being deleted, or in the phase `Failed`.
    pub is_ending: bool,
    /// In the phase `Pending`.
    pub is_pending: bool,
    /// When it started; `None` if unknown.
    pub started: Option<Timestamp>,
    /// Its readiness condition; `None` if unknown.
    pub readiness: Option<Readiness>,
    /// Its latest sample; `None` if there is none.
    pub sample: Option<Sample>,
}

/// A pod's readiness condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether it is ready now.
    pub is_ready: bool,
    /// Since when.
    pub since: Timestamp,
}

/// A sample of a pod's usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When the window that it covers ends.
    pub at: Timestamp,
    /// The length of that window.
    pub window: Duration,
}

/// The readiness test, which applies to the CPU only: a starting pod burns CPU for no load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuStart {
    /// A pod younger than this counts only with samples taken wholly since it became ready.
    /// Kubernetes: `--horizontal-pod-autoscaler-cpu-initialization-period`, 5 minutes.
    pub initialization_period: Duration,
    /// A pod that became unready within this time from its start has never been ready.
    /// Kubernetes: `--horizontal-pod-autoscaler-initial-readiness-delay`, 30 seconds.
    pub readiness_delay: Duration,
}

impl Default for CpuStart {
    fn default() -> Self {
        Self {
            initialization_period: Duration::from_secs(300),
            readiness_delay: Duration::from_secs(30),
        }
    }
}

/// How a pod counts now. `cpu` holds the rules of the readiness test, `None` for any other
/// resource. Kubernetes: `groupPods`.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::policy::target::pods::{CpuStart, Pod, Standing, classify};
///
/// let starting = Pod { is_pending: true, ..Pod::default() };
/// let now = Timestamp::from_secs(60);
/// assert_eq!(classify(&starting, now, Some(CpuStart::default())), Standing::Unready);
/// assert_eq!(classify(&Pod::default(), now, None), Standing::Missing);
/// ```
#[must_use]
pub fn classify(pod: &Pod, now: Timestamp, cpu: Option<CpuStart>) -> Standing {
    match (pod.sample, cpu) {
        _ if pod.is_ending => Standing::Ignored,
        _ if pod.is_pending => Standing::Unready,
        (None, _) => Standing::Missing,
        (Some(sample), Some(cpu)) if !is_warm(pod, now, sample, cpu) => Standing::Unready,
        (Some(_), _) => Standing::Ready,
    }
}

fn is_warm(pod: &Pod, now: Timestamp, sample: Sample, cpu: CpuStart) -> bool {
    let (Some(started), Some(readiness)) = (pod.started, pod.readiness) else { return false };
    if started + cpu.initialization_period > now {
        readiness.is_ready && sample.at >= readiness.since + sample.window
    } else {
        // Unready exactly `readiness_delay` after the start, it has been ready before.
        readiness.is_ready || started + cpu.readiness_delay <= readiness.since
    }
}
