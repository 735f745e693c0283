//! Which pods count as ready, as the Datadog watermark autoscaler (WPA) sees them.
//!
//! In: what Kubernetes tells of each pod, times as ages. Out: the counts that a host puts into its
//! observation or into [`Size`](super::marks::Size). Knows nothing of readings or marks.

use crate::explain::{Reason, codes};
use crate::time::Duration;

/// What Kubernetes tells of a pod.
///
/// ```
/// use forescale::Duration;
/// use forescale::policy::watermark::pods::{Pod, PodPhase, Ready, Standing};
///
/// let pod = Pod {
///     phase: PodPhase::Running,
///     started: Some(Duration::from_secs(60)),
///     ready: Some(Ready { status: Some(true), age: Duration::from_secs(45) }),
///     ..Pod::default()
/// };
/// // Ready 15 s after its start: not by mistake within the first 10.
/// assert_eq!(pod.standing(true, Duration::from_secs(10)), Standing::Ready);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Kubernetes: `status.phase`.
    pub phase: PodPhase,
    /// Whether it belongs to the workload, not only to its label selector.
    pub owned: bool,
    /// Whether it is being deleted.
    pub deleted: bool,
    /// Age of its start; `None` if it has not started.
    pub started: Option<Duration>,
    /// Its condition `Ready`; `None` if it has none yet.
    pub ready: Option<Ready>,
    /// Whether the metric has a sample of it.
    pub reports: bool,
}

impl Default for Pod {
    /// A pod of the workload that reports, of which nothing else is known.
    fn default() -> Self {
        let phase = PodPhase::Unknown;
        Self { phase, owned: true, deleted: false, started: None, ready: None, reports: true }
    }
}

/// The phase of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PodPhase {
    /// Not all containers are running yet.
    Pending,
    /// Running.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, at least one badly.
    Failed,
    /// Not known.
    #[default]
    Unknown,
}

/// The condition `Ready` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// `True`, `False`, or `None` for `Unknown`.
    pub status: Option<bool>,
    /// Since how long it has been so.
    pub age: Duration,
}

/// How a pod counts for a resource metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Of another owner: skipped altogether.
    Foreign,
    /// Left out: its reading is dropped, and it is not considered.
    Ignored,
    /// Has no sample: neither ready nor ignored.
    Missing,
    /// Takes part.
    Ready,
}

impl Pod {
    /// How the pod counts for a resource metric; `cpu` asks for readiness, as a pod that starts
    /// burns CPU that is not load.
    ///
    /// Not ready is a pod without start or condition, one whose condition is false, and one whose
    /// condition last changed within `readiness_delay` of its start.
    #[must_use]
    pub fn standing(&self, cpu: bool, readiness_delay: Duration) -> Standing {
        let started_up = match (self.started, self.ready) {
            (Some(start), Some(Ready { status, age })) => {
                let settled = start.as_millis() - readiness_delay.as_millis() >= age.as_millis();
                status != Some(false) && settled
            }
            _ => false,
        };
        match self.phase {
            _ if !self.owned => Standing::Foreign,
            PodPhase::Failed | PodPhase::Pending => Standing::Ignored,
            _ if !self.reports => Standing::Missing,
            _ if cpu && !started_up => Standing::Ignored,
            _ => Standing::Ready,
        }
    }

    /// Whether the pod counts as ready for an external metric: one that runs and is ready, or is
    /// pending since less than `readiness_delay`. Pods that ended or are being deleted do not.
    #[must_use]
    pub fn is_ready(&self, readiness_delay: Duration) -> bool {
        let Some(Ready { status, age }) = self.ready else { return false };
        self.owned
            && !self.deleted
            && match self.phase {
                PodPhase::Running => status == Some(true),
                PodPhase::Pending => age < readiness_delay,
                PodPhase::Succeeded | PodPhase::Failed | PodPhase::Unknown => false,
            }
    }
}

/// The pods that count as ready for an external metric.
///
/// # Errors
/// [`NO_READY_REPLICAS`](codes::NO_READY_REPLICAS) if none does.
pub fn ready_count(pods: &[Pod], readiness_delay: Duration) -> Result<u32, Reason> {
    match count(pods, |pod| pod.is_ready(readiness_delay)) {
        0 => Err(Reason::new(codes::NO_READY_REPLICAS, [])),
        ready => Ok(ready),
    }
}

/// The pods that take part in a resource metric, and those that are ignored.
#[must_use]
pub fn classify_pods(pods: &[Pod], cpu: bool, readiness_delay: Duration) -> (u32, u32) {
    let standing = |wanted| count(pods, |pod| pod.standing(cpu, readiness_delay) == wanted);
    (standing(Standing::Ready), standing(Standing::Ignored))
}

fn count(pods: &[Pod], counts: impl Fn(&Pod) -> bool) -> u32 {
    let n_pods = pods.iter().filter(|&pod| counts(pod)).count();
    u32::try_from(n_pods).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(10);

    fn running(start: u32, since: u32, status: Option<bool>) -> Pod {
        let ready = Some(Ready { status, age: Duration::from_secs(since) });
        let started = Some(Duration::from_secs(start));
        Pod { phase: PodPhase::Running, started, ready, ..Pod::default() }
    }

    #[test]
    fn cpu_of_a_starting_pod_does_not_count() {
        let early = running(60, 51, Some(true));
        let late = running(60, 50, Some(true));
        let fallen = running(600, 20, Some(false));
        assert_eq!(early.standing(true, DELAY), Standing::Ignored);
        assert_eq!(early.standing(false, DELAY), Standing::Ready, "memory does not ask");
        assert_eq!(late.standing(true, DELAY), Standing::Ready);
        assert_eq!(fallen.standing(true, DELAY), Standing::Ignored);
        assert_eq!(classify_pods(&[early, late, fallen], true, DELAY), (1, 2));
    }

    #[test]
    fn a_pending_pod_is_trusted_for_the_delay_only() {
        let pending = |since| Pod { phase: PodPhase::Pending, ..running(60, since, Some(false)) };
        assert!(pending(9).is_ready(DELAY));
        assert!(!pending(10).is_ready(DELAY));
        let leaving = Pod { deleted: true, ..running(60, 9, Some(true)) };
        let refusal = ready_count(&[pending(10), leaving], DELAY).expect_err("none counts");
        assert_eq!(refusal.code(), "no_ready_replicas");
    }
}
