//! Settings that must oscillate or can never work, found before they run.
//!
//! In: a [`Config`]. Out: [`Finding`]s, each proven by running the live loop, with the smallest
//! change that mends it. Knows no law: what a policy does is asked of the [`Autoscaler`] itself, so a
//! new kind of policy is covered as soon as it stands in the catalog.

mod finding;
mod limits;
mod oscillation;
mod outlook;
mod probe;
mod reach;
#[cfg(feature = "schedule")]
mod schedules;
mod start_up;

pub use finding::{Finding, Fix, Severity};

use crate::time::Timestamp;
use crate::{Autoscaler, Config, Error};

/// What is wrong with settings that build, the worst first.
///
/// | code | what it says |
/// |---|---|
/// | `oscillation` | there is a steady load under which the size goes up and down for ever |
/// | `not_proven` | a note: the metric does not fall as replicas are added, so nothing was proven |
/// | `cannot_scale_up`, `cannot_scale_down` | at some sizes within the limits no load moves it |
/// | `no_choice` | `min_replicas` is `max_replicas` |
/// | `fallback_out_of_reach` | the limits cut the replicas that stand in for a metric |
/// | `activation_drops_load` | `zero` takes away replicas that the policies want |
/// | `cooldown_shorter_than_start` | more is asked for before the last replicas could help |
/// | `schedule_never_holds`, `schedules_contradict` | a schedule without effect, or against another |
/// | `quantile_without_history` | more than the kept errors can tell |
/// | `horizon_shorter_than_lead_time` | the forecast looks less far than a replica takes to start |
///
/// Of `now`, where it is given, schedules count from then on; without it only what holds at any time
/// is told, and weekly patterns are looked at from a Monday on.
///
/// What is assumed: a metric of kind `average` or `utilization` is a steady load shared by the ready
/// replicas and read without a lag, one of kind `total` is that load. The metrics are taken one by
/// one, with the others at ease, and schedules and forecasts silent. Where policies of several
/// metrics must agree (`all`, `k_of_n`), oscillation is not looked for. Of the sizes, the first
/// sixteen are looked at one by one, and beyond them one in ten.
///
/// Costs some ten thousand decisions, which is some ten milliseconds, whatever the limits; a few
/// times more where the law judges by many points, and where each fix has to be tried out.
///
/// ```
/// use forescale::{Config, lint::lint};
///
/// let config = Config::from_text(
///     r#"{
///         "max_replicas": 20, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "watermark", "metric": "cpu", "low": 0.5, "high": 0.6, "tolerance": 0}]
///     }"#,
/// )?;
/// let findings = lint(&config, None)?;
/// // One replica is too hot just above 0.6, two at 0.3 each are too cold.
/// assert_eq!(findings[0].code, "oscillation");
/// assert_eq!(findings[0].path, "policies[0].low");
/// let mended = findings[0].apply(&config)?;
/// assert_eq!(lint(&mended, None)?, []);
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration does not build.
pub fn lint(config: &Config, now: Option<Timestamp>) -> Result<Vec<Finding>, Error> {
    Autoscaler::new(config.bare())?;
    let mut findings = Vec::new();
    limits::check(config, &mut findings)?;
    oscillation::check(config, &mut findings)?;
    reach::check(config, &mut findings)?;
    start_up::check(config, &mut findings)?;
    outlook::check(config, &mut findings);
    #[cfg(feature = "schedule")]
    schedules::check(config, now, &mut findings)?;
    #[cfg(not(feature = "schedule"))]
    let _ = now;
    findings.sort_by_key(|finding| finding.severity);
    Ok(findings)
}
