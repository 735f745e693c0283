//! The replica arithmetic of the Kubernetes HPA, one metric at a time.
//!
//! In: readings, requests and targets as integers in one unit (the HPA and the policy use
//! thousandths), utilization targets in whole percent. Out: [`Sizing`], or the [`Refusal`] that
//! makes the metric invalid. Divisions of integers truncate, ratios are binary64 and evaluated in
//! the order of the HPA's `replica_calculator.go`, so that its rounding noise comes out too. Knows
//! nothing of time, of limits or of how readings came about.

use super::tally::{Measure, Sums, Tally, ceil, side};
pub use super::tolerance::Tolerance;
use crate::series::Phase;

/// The most replicas that a proposal may ask for, as the HPA's 32-bit counts.
pub const MOST_REPLICAS: u32 = i32::MAX as u32;

/// A pod with its reading, as integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// How it counts; [`Phase::Unlisted`] is a reading that belongs to no pod of the workload.
    pub phase: Phase,
    /// Its usage; `None` if it reported nothing.
    pub value: Option<i64>,
    /// What it asked for of the resource, in the unit of `value`.
    pub request: Option<i64>,
}

/// How many replicas one metric asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizing {
    /// The replicas, at most [`MOST_REPLICAS`]; no lower bound applies.
    pub replicas: u32,
    /// The same before rounding up.
    pub wish: f64,
    /// What was compared with the target, in its unit: percent for a utilization, else a value.
    /// It is the first measurement, without what was assumed of silent pods.
    pub measured: i64,
    /// The mean usage of a pod at the first measurement, where the metric has one.
    pub average: Option<i64>,
    /// Where that lies against the target.
    pub verdict: Verdict,
}

/// Where a metric lies against its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Above it, outside the tolerance.
    Above,
    /// Below it, outside the tolerance.
    Below,
    /// Within the tolerance.
    Within,
    /// Outside, but not any more once missing and unready pods are counted in.
    Unclear,
}

/// Why a metric says nothing about the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No reading at all.
    NoReading,
    /// The workload has no pod.
    NoPods,
    /// A pod states no request, so its utilization has no meaning.
    MissingRequest,
    /// Only unready and ignored pods have readings.
    NoUsableReading,
    /// No reading belongs to a pod with a request.
    NoMatch,
}

/// A measurement against its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Measured by target.
    pub ratio: f64,
    /// What was compared: percent for a utilization, else the mean.
    pub measured: i64,
    /// The mean usage, truncated.
    pub average: i64,
}

/// Replicas that bring the utilization of the requests to `target_percent`.
///
/// Missing pods count as fully used before anything is taken away and as idle before anything is
/// added; unready ones as idle before anything is added. Kubernetes: `GetResourceReplicas`.
///
/// # Errors
/// The [`Refusal`] if there is nothing to measure or a pod has no request.
///
/// ```
/// use forescale::policy::target::replicas::{Pod, Tolerance, resource_utilization};
///
/// let pods = [300, 500, 700].map(|value| Pod {
///     value: Some(value),
///     request: Some(1000),
///     ..Pod::default()
/// });
/// // 1500 of 3000 is 50 %, so ceil(3 * 50 / 30) = 5.
/// let sizing = resource_utilization(pods, 3, 30, Tolerance::default()).unwrap();
/// assert_eq!((sizing.replicas, sizing.measured, sizing.average), (5, 50, Some(500)));
/// ```
pub fn resource_utilization(
    pods: impl IntoIterator<Item = Pod>,
    current: u32,
    target_percent: i64,
    tolerance: Tolerance,
) -> Result<Sizing, Refusal> {
    Tally::of(Measure::Utilization { target_percent }, pods).size(current, tolerance)
}

/// Replicas that bring the mean of the readings to `target`; strays count in the mean.
///
/// Missing and unready pods are treated as in [`resource_utilization`], a missing one with exactly
/// the target in place of its request. Kubernetes: `GetMetricReplicas`.
///
/// # Errors
/// The [`Refusal`] if there is nothing to measure.
pub fn pods_average_value(
    pods: impl IntoIterator<Item = Pod>,
    current: u32,
    target: i64,
    tolerance: Tolerance,
) -> Result<Sizing, Refusal> {
    Tally::of(Measure::Average { target }, pods).size(current, tolerance)
}

/// Replicas for one value that falls as replicas are added: the ratio times the `ready` pods.
///
/// From zero replicas the ratio itself, without tolerance. Kubernetes: `GetObjectMetricReplicas`.
#[must_use]
pub fn object_value(
    value: i64,
    current: u32,
    ready: u32,
    target: i64,
    tolerance: Tolerance,
) -> Sizing {
    let ratio = value as f64 / target as f64;
    if current > 0 && tolerance.contains(ratio) {
        return keep(current, value, None);
    }
    let wish = if current == 0 { ratio } else { ratio * f64::from(ready) };
    Sizing { replicas: ceil(wish), wish, measured: value, average: None, verdict: side(ratio) }
}

/// Replicas for a load that is shared among them: the load by the `target` of each.
///
/// `existing` is the count that the workload reports, not the one it is asked to have; it is also
/// what stays within the tolerance. Kubernetes: `GetObjectPerPodMetricReplicas`.
///
/// ```
/// use forescale::policy::target::replicas::{Tolerance, object_average_value};
///
/// let sizing = object_average_value(20_208, 4, 5_000, Tolerance { up: 0.01, down: 0.1 });
/// assert_eq!((sizing.replicas, sizing.average), (5, Some(5_052)));
/// ```
#[must_use]
pub fn object_average_value(
    value: i64,
    existing: u32,
    target: i64,
    tolerance: Tolerance,
) -> Sizing {
    let (value, target) = (value as f64, target as f64);
    let ratio = value / (target * f64::from(existing));
    let average = (value / f64::from(existing)).ceil() as i64; // saturates
    if tolerance.contains(ratio) {
        return keep(existing, average, Some(average));
    }
    // Straight from the load: no product of ratio and count, hence none of its noise.
    let wish = value / target;
    let verdict = side(ratio);
    Sizing { replicas: ceil(wish), wish, measured: average, average: Some(average), verdict }
}

/// As [`object_value`] for the saturating sum of several series. Kubernetes:
/// `GetExternalMetricReplicas`.
#[must_use]
pub fn external_value(
    values: impl IntoIterator<Item = i64>,
    current: u32,
    ready: u32,
    target: i64,
    tolerance: Tolerance,
) -> Sizing {
    object_value(sum(values), current, ready, target, tolerance)
}

/// As [`object_average_value`] for the saturating sum of several series. Kubernetes:
/// `GetExternalPerPodMetricReplicas`.
#[must_use]
pub fn external_average_value(
    values: impl IntoIterator<Item = i64>,
    existing: u32,
    target: i64,
    tolerance: Tolerance,
) -> Sizing {
    object_average_value(sum(values), existing, target, tolerance)
}

/// The utilization of pairs of usage and request, in whole percent, against its target.
///
/// # Errors
/// [`Refusal::NoMatch`] without a pair, or if the requests come to nothing.
pub fn utilization_ratio(
    used: impl IntoIterator<Item = (i64, i64)>,
    target_percent: i64,
) -> Result<Ratio, Refusal> {
    let mut sums = Sums::default();
    used.into_iter().for_each(|(usage, request)| sums.add(usage.into(), request, 1));
    Measure::Utilization { target_percent }.of(sums, Sums::default())
}

/// The truncated mean of readings against its target.
///
/// # Errors
/// [`Refusal::NoReading`] without a reading.
pub fn average_ratio(values: impl IntoIterator<Item = i64>, target: i64) -> Result<Ratio, Refusal> {
    let mut sums = Sums::default();
    values.into_iter().for_each(|value| sums.add(value.into(), 0, 1));
    Measure::Average { target }.of(sums, Sums::default())
}

fn keep(replicas: u32, measured: i64, average: Option<i64>) -> Sizing {
    let wish = f64::from(replicas);
    Sizing { replicas, wish, measured, average, verdict: Verdict::Within }
}

fn sum(values: impl IntoIterator<Item = i64>) -> i64 {
    values.into_iter().fold(0, i64::saturating_add)
}
