//! Why: a stable code with its numbers, and the English for it.
//!
//! In: what a stage found. Out: [`Reason`], [`Step`] and a sentence. Decides nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, Unexpected};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A stable name for a cause, and the English template that tells it.
///
/// `{fact}` in the template stands for the fact's number, and what stands between `[` and `]` is told
/// only where every fact in it is known.
///
/// The built-in ones stand in [`codes`]; a host's own policies and guards bring their own:
///
/// ```
/// use forescale::{Code, Reason};
///
/// const HOLIDAY: Code = Code::new("holiday", "a holiday asks for {replicas}");
/// assert_eq!(Reason::new(HOLIDAY, [("replicas", 12.0)]).to_string(), "a holiday asks for 12");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    name: &'static str,
    template: &'static str,
}

impl Code {
    /// A code by its stable `snake_case` name, and its template.
    #[must_use]
    pub const fn new(name: &'static str, template: &'static str) -> Self {
        Self { name, template }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Why a stage answered as it did: a code, and facts as numbers whose names carry the unit.
///
/// ```
/// use forescale::{Reason, codes};
///
/// let reason = Reason::new(codes::COOLDOWN, [("left_seconds", 42.5)]);
/// assert_eq!(reason.code(), "cooldown");
/// assert_eq!(reason.fact("left_seconds"), Some(42.5));
/// assert_eq!(reason.to_string(), "cooling down for another 42.5 s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    code: Code,
    facts: [(&'static str, f64); Self::MOST_FACTS],
    n_facts: u8,
}

impl Reason {
    /// A reason holds this many facts at most; it lies inline, so that deciding allocates nothing.
    pub const MOST_FACTS: usize = 9;

    /// A reason by its code and its facts, at most [`MOST_FACTS`](Self::MOST_FACTS) of them
    /// (checked when compiled).
    #[must_use]
    pub fn new<const N: usize>(code: Code, facts: [(&'static str, f64); N]) -> Self {
        const { assert!(N <= Self::MOST_FACTS, "a reason holds nine facts at most") };
        let mut kept = [("", 0.0); Self::MOST_FACTS];
        kept[..N].copy_from_slice(&facts);
        Self { code, facts: kept, n_facts: N as u8 }
    }

    /// The reason with one fact more; without it if it already holds
    /// [`MOST_FACTS`](Self::MOST_FACTS).
    #[must_use]
    pub fn with(mut self, name: &'static str, number: f64) -> Self {
        if let Some(free) = self.facts.get_mut(usize::from(self.n_facts)) {
            *free = (name, number);
            self.n_facts += 1;
        }
        self
    }

    /// The code's stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code.name
    }

    /// The facts: names with their unit, and numbers.
    #[must_use]
    pub fn facts(&self) -> &[(&'static str, f64)] {
        &self.facts[..usize::from(self.n_facts)]
    }

    /// One fact by its name.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<f64> {
        self.facts().iter().find(|&&(known, _)| known == name).map(|&(_, number)| number)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.code.template;
        while let Some((text, tail)) = rest.split_once('[') {
            let (inner, after) = tail.split_once(']').unwrap_or((tail, ""));
            self.tell(f, text)?;
            let mut names = inner.split('{').skip(1).filter_map(|part| part.split_once('}'));
            if names.all(|(name, _)| self.fact(name).is_some()) {
                self.tell(f, inner)?;
            }
            rest = after;
        }
        self.tell(f, rest)
    }
}

impl Reason {
    /// Writes a part of the template, with the facts in their places.
    fn tell(&self, f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
        let mut rest = part;
        while let Some((text, tail)) = rest.split_once('{') {
            let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
            f.write_str(text)?;
            match self.fact(name) {
                Some(number) => write_number(f, number)?,
                None => write!(f, "{{{name}}}")?,
            }
            rest = after;
        }
        f.write_str(rest)
    }
}

/// Writes a number as people do: no digits that tell nothing. 0.6 -> 0.6, 1234.5678 -> 1234.6.
fn write_number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    // Three digits and a power of ten, without zeros that tell nothing.
    let power = |f: &mut fmt::Formatter<'_>| {
        let text = format!("{number:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        write!(f, "{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
    };
    let decimals = match number.abs() {
        size if size >= 1e15 => return power(f),
        size if size == size.trunc() || size >= 10_000.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        size if size >= 0.01 => 4,
        size if size >= 0.0001 => 6,
        _ => return power(f),
    };
    let text = format!("{number:.decimals$}");
    let short = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    f.write_str(short)
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Facts<'a>(&'a [(&'static str, f64)]);
        impl Serialize for Facts<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().copied())
            }
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", self.code.name)?;
        map.serialize_entry("facts", &Facts(self.facts()))?;
        map.end()
    }
}

/// Built-in codes only, with the facts that their sentence tells.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Told {
            code: String,
            facts: BTreeMap<String, f64>,
        }
        let told = Told::deserialize(deserializer)?;
        let code = codes::ALL.iter().find(|code| code.name == told.code).ok_or_else(|| {
            D::Error::invalid_value(Unexpected::Str(&told.code), &"a built-in reason code")
        })?;
        let named = code.template.split('{').skip(1).filter_map(|part| part.split_once('}'));
        let mut reason = Self::new(*code, []);
        for (name, _) in named {
            if let (Some(&number), None) = (told.facts.get(name), reason.fact(name)) {
                reason = reason.with(name, number);
            }
        }
        Ok(reason)
    }
}

/// One stage on the way to a decision: who spoke, the number before and after, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Who spoke: a policy as `target(cpu)`, a guard as `rate`, or a stage of the loop
    /// (`observation`, `combine`, `zero`, `limits`, `mode`).
    pub by: Arc<str>,
    /// Replicas that came into this stage.
    pub before: u32,
    /// Replicas that it answered with; `None` if it had no opinion.
    pub replicas: Option<u32>,
    /// Why.
    pub reason: Reason,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $template:literal;)+) => {
        /// The built-in reason codes: stable names, and where the Kubernetes HPA has a name for
        /// the same, that name.
        pub mod codes {
            use super::Code;
            $($(#[doc = $doc])+ pub const $name: Code = Code::new($code, $template);)+
            /// Every built-in code.
            pub const ALL: &[Code] = &[$($name),+];
        }
    };
}

codes! {
    // Observation.
    /// The observation bears the same time as the one before: nothing is fed, the last answer stands.
    TIME_STOOD_STILL = "time_stood_still", "no time has passed since the last observation";
    /// The observation is older than the one before: held, until a second one confirms the new clock.
    TIME_WENT_BACK = "time_went_back", "time went back by {back_seconds} s";
    /// The observation is far ahead: held, until a second one confirms the new clock.
    TIME_JUMPED_AHEAD = "time_jumped_ahead", "time jumped ahead by {ahead_seconds} s";
    /// The observation has metrics that the configuration does not name; the step names the first.
    UNKNOWN_METRIC = "unknown_metric", "metrics of the observation that are not configured: {n_metrics}";

    // Detectors.
    /// Nothing is abnormal.
    AS_USUAL = "as_usual", "{value} is as usual, {expected} was expected ({lower} to {upper})";
    /// Abnormal, as it has been since the last alarm.
    ABNORMAL = "abnormal", "{value} is abnormal (p {p_value}), {expected} was expected ({lower} to {upper})";
    /// Few values far above what was expected.
    SPIKE = "spike", "{value} is a spike, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// Few values far below what was expected.
    DIP = "dip", "{value} is a dip, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// The values are on a higher level.
    LEVEL_UP = "level_up", "the level has risen: {value}, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// The values are on a lower level.
    LEVEL_DOWN = "level_down", "the level has fallen: {value}, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// The values run away from what was expected, ever further.
    TREND = "trend", "the values run away: {value}, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// The noise is larger or smaller than it was.
    VARIANCE = "variance", "the noise has changed: {value}, {expected} was expected ({lower} to {upper}, p {p_value})";
    /// The value stands still as never before.
    STUCK = "stuck", "the value stands still at {value} as never before (p {p_value})";
    /// No data come.
    MISSING = "missing", "[{n_missing} samples in a row are missing][{value} comes after samples that were missing (p {p_value})]";

    // Screening.
    /// A rise beyond all that was usual is not acted upon before the next reading confirms it.
    IMPLAUSIBLE_RISE = "implausible_rise", "{measured} is an implausible rise from {usual}, up to {bound} is usual, and waits for one more reading[; {stand_in} takes its place]";
    /// A fall beyond all that was usual is not acted upon until it is over or has lasted.
    IMPLAUSIBLE_FALL = "implausible_fall", "{measured} is an implausible fall from {usual}, down to {bound} is usual, and is taken for true in {wait_seconds} s[; {stand_in} takes its place]";
    /// Zero beside a busy past, as a source that is down reads; taken for true once it has lasted.
    ZERO_BESIDE_LOAD = "zero_beside_load", "a reading of 0 beside a usual {usual} is taken for true in {wait_seconds} s only[; {stand_in} takes its place]";
    /// About a thousand times the load: another unit, until it has lasted.
    OTHER_UNIT = "other_unit", "{measured} is about a thousand times the usual {usual}, as in another unit, and is taken for true in {wait_seconds} s[; {stand_in} takes its place]";
    /// The same number for longer than the metric ever kept one.
    STUCK_VALUE = "stuck_value", "{measured} has come {n_repeats} times in a row where {most_repeats} are plausible, and is taken for true in {wait_seconds} s[; {stand_in} takes its place]";
    /// Replicas that read far above or below their siblings are not taken as they are.
    REPLICA_OUTLIER = "replica_outlier", "replicas far off the median of {median}: {n_replicas}, one of them at {measured}";
    /// Replicas whose reading is no number are left out.
    REPLICA_INVALID = "replica_invalid", "replicas whose reading is not a finite number from 0 up: {n_replicas}, they are left out";

    // Peers and relations.
    /// Too few members of a group report to say that one differs.
    TOO_FEW_PEERS = "too_few_peers", "only {n_members} members report, at least {least_members} must";
    /// One metric explains too little of another to say that they no longer move together.
    NO_RELATION = "no_relation", "the first metric explains {explained} of the second's movements, at least {least_explained} is needed";

    // Policies.
    /// The metric has no reading now. Kubernetes: `FailedGetResourceMetric` and its like.
    METRIC_MISSING = "metric_missing", "the metric has no reading";
    /// The reading is not a number of this world (NaN, infinite or negative).
    METRIC_INVALID = "metric_invalid", "the reading is not a finite number from 0 up[; {stand_in} takes its place]";
    /// The metric has been unreadable for too long, so replicas that were set stand in. KEDA:
    /// `fallback`.
    FALLBACK = "fallback", "the metric could not be read {n_failures} times within {failing_seconds} s, so {replicas} replicas stand in";
    /// No replica is ready, so a reading per replica says nothing.
    NO_READY_REPLICAS = "no_ready_replicas", "no replica is ready to measure";
    /// Too few replicas are ready to judge by them. Datadog WPA: `minAvailableReplicaPercentage`.
    TOO_FEW_READY = "too_few_ready", "only {ready_ratio} of the replicas are ready, {least_ratio} must be";
    /// The ratio of reading to target lies inside the tolerance. Kubernetes: within the tolerance.
    WITHIN_TOLERANCE = "within_tolerance", "{measured} is within the tolerance of the target {target}";
    /// The reading is above the target. Kubernetes: `SuccessfulRescale`, metric above target.
    ABOVE_TARGET = "above_target", "{measured} is above the target {target}";
    /// There is load and no replica yet to measure it by.
    FROM_ZERO = "from_zero", "there is a load of {measured} and no replica, {target} is the target";
    /// The reading is below the target. Kubernetes: `SuccessfulRescale`, metric below target.
    BELOW_TARGET = "below_target", "{measured} is below the target {target}";
    /// Replicas without a reading or not yet ready turned the direction round, so it holds.
    UNREADY_REPLICAS = "unready_replicas", "counting missing and unready replicas, {measured} leaves no clear direction against {target}";
    /// Some replicas state no request, so their utilization has no meaning. Kubernetes:
    /// `FailedGetResourceMetric`, missing request.
    REQUEST_MISSING = "request_missing", "some replicas state no request, so their utilization is unknown";
    /// The usage is above the high mark. Datadog WPA: above the high watermark.
    ABOVE_HIGH_WATERMARK = "above_high_watermark", "{measured} is above the high mark {high}";
    /// The usage is below the low mark. Datadog WPA: below the low watermark.
    BELOW_LOW_WATERMARK = "below_low_watermark", "{measured} is below the low mark {low}";
    /// The usage lies between the marks, or outside them by no more than their tolerance.
    WITHIN_WATERMARKS = "within_watermarks", "{measured} lies between the marks {low} and {high} or within their tolerance";
    /// Inside the band, one step towards the chosen mark.
    CONVERGING = "converging", "{measured} lies between the marks {low} and {high} or within their tolerance, one step towards the chosen one";
    /// Outside the marks, but not yet for long enough. Datadog WPA: `upscaleDelaySeconds` and its like.
    DWELL = "dwell", "outside the marks for {outside_seconds} s, acts after {dwell_seconds} s";
    /// The total reads 0, which is not believed. Datadog WPA: `tolerateZero`.
    ZERO_READING = "zero_reading", "the total reads 0, which is not taken for real";
    /// Jobs are to be started. KEDA: `KEDAJobsCreated`.
    JOBS_TO_START = "jobs_to_start", "{queue} wait, {target} a job, which asks for {n_starts} beside the {n_jobs} jobs there are, {n_pending} of them not begun";
    /// The jobs that there are do for the queue, or there is no room for more.
    ENOUGH_JOBS = "enough_jobs", "{queue} wait, {target} a job, and there are {n_jobs} jobs, {n_pending} of them not begun";
    /// Fewer jobs than always are to run.
    TOO_FEW_JOBS = "too_few_jobs", "the minimum is {min_jobs} jobs";
    /// What waits decides.
    BACKLOG = "backlog", "{queue} wait, to be worked off in {drain_seconds} s at {rate_per_replica} a second and replica";
    /// The arrivals and what waits decide.
    BACKLOG_AND_ARRIVALS = "backlog_and_arrivals", "{queue} wait and {arrivals} a second arrive, to be worked off in {drain_seconds} s at {rate_per_replica} a second and replica";
    /// The average over the stable window decides. Knative: stable mode.
    STABLE_AVERAGE = "stable_average", "the average of {stable_average} over the stable window is held against the target {target}";
    /// A burst decides: the panic window wants many times the ready replicas, or lately did.
    /// Knative: panic mode.
    PANIC = "panic", "a burst {panic_seconds} s ago or now, with an average of {panic_average} over the panic window and the target {target}";
    /// After a burst nothing is taken away until it is a stable window ago. Knative: panic mode.
    PANIC_PEAK = "panic_peak", "a burst {panic_seconds} s ago keeps its peak of {peak}";
    /// A higher want of the last while still counts. Knative: `scale-down-delay`.
    SCALE_DOWN_DELAY = "scale_down_delay", "a want of {delayed} within the last {delay_seconds} s holds it";
    /// The metric is not beyond the rule's threshold.
    NOT_BREACHED = "not_breached", "{measured} does not breach the threshold {threshold}";
    /// The metric breaches the threshold, but not yet for long enough. Cloud Foundry:
    /// `breach_duration_secs`.
    BREACH_TOO_SHORT = "breach_too_short", "{measured} breaches the threshold {threshold} for {breached_seconds} s, must for more than {breach_seconds} s";
    /// The metric has breached the threshold for long enough.
    BREACHED = "breached", "{measured} breaches the threshold {threshold} for {breached_seconds} s";
    /// A strategy asks for more. Nomad: an action in the direction `up`.
    STRATEGY_UP = "strategy_up", "the strategy asks for more than {current}";
    /// A strategy asks for fewer. Nomad: an action in the direction `down`.
    STRATEGY_DOWN = "strategy_down", "the strategy asks for fewer than {current}";
    /// A strategy is content. Nomad: an action in the direction `none`.
    STRATEGY_NONE = "strategy_none", "the strategy is content with {current}";
    /// Too few recent points lie within the bounds. Nomad: `within_bounds_trigger`.
    TOO_FEW_WITHIN_BOUNDS = "too_few_within_bounds", "{n_within} recent points lie within the bounds, {trigger} must";
    /// Enough periods lie beyond the threshold. AWS: the alarm is in `ALARM`.
    BEYOND_THRESHOLD = "beyond_threshold", "{measured} is beyond the threshold {threshold}, the adjustment is {by}";
    /// Too few periods lie beyond the threshold. AWS: the alarm is in `OK`.
    WITHIN_THRESHOLD = "within_threshold", "{n_breaching} of the last periods are beyond the threshold {threshold}, {needed} must be";
    /// Too few periods have a reading to judge by. AWS: the alarm is in `INSUFFICIENT_DATA`.
    INSUFFICIENT_DATA = "insufficient_data", "{n_periods} of the last periods have a reading, too few to judge by";
    /// The alarm is on, and no step is set for so large a breach.
    NO_STEP = "no_step", "no step is set for {measured} against the threshold {threshold}";
    /// Replicas that were added lately are warming up, and nothing is taken away meanwhile. AWS:
    /// instance warm-up.
    WARMING_UP = "warming_up", "{n_warming} replicas are warming up for another {left_seconds} s, so nothing is taken away";
    /// Neither above the target nor far enough below it for long enough.
    ON_TARGET = "on_target", "{measured} is neither above the target {target} nor below {low} for long enough";
    /// Nothing asks for more, and taking away is left to others. AWS: `DisableScaleIn`.
    SCALE_IN_DISABLED = "scale_in_disabled", "nothing asks for more, and scaling in is disabled";
    /// A schedule's window is open, with a floor and a cap.
    SCHEDULE_ACTIVE = "schedule_active", "the schedule asks for {min_replicas} to {max_replicas} replicas for another {left_seconds} s";
    /// A schedule's window is open, with a floor only.
    SCHEDULE_FLOOR = "schedule_floor", "the schedule asks for at least {min_replicas} replicas for another {left_seconds} s";
    /// A schedule's window is open, with a cap only.
    SCHEDULE_CAP = "schedule_cap", "the schedule asks for at most {max_replicas} replicas for another {left_seconds} s";
    /// A schedule's window is open, with a fixed number.
    SCHEDULE_EXACT = "schedule_exact", "the schedule asks for exactly {min_replicas} replicas for another {left_seconds} s";
    /// A window of the calendar begins, with a minimum of its own for that. Cloud Foundry:
    /// `initial_min_instance_count`.
    CALENDAR_BEGINS = "calendar_begins", "a window of the calendar begins with {min_replicas} to {max_replicas} replicas";
    /// No window of the calendar is open, and it says what holds then.
    CALENDAR_OTHERWISE = "calendar_otherwise", "no window of the calendar is open, so it asks for {min_replicas} to {max_replicas} replicas";
    /// A schedule's window is open, but one of a higher rank overrules it.
    SCHEDULE_OVERRULED = "schedule_overruled", "a schedule of rank {rank} overrules it";
    /// No window of the schedule is open.
    SCHEDULE_INACTIVE = "schedule_inactive", "no window of the schedule is open";
    /// The forecast of the load decides.
    FORECAST = "forecast", "the forecast expects a load of {load} at quantile {quantile} in {ahead_seconds} s, {load_per_replica} a replica[ as learnt from {capacity_samples} samples][, and a replica takes {lead_time_seconds} s to start as learnt from {n_starts} starts]";
    /// By a risk: more replicas would cost more than the violations they avoid, fewer would not.
    WORTH_ITS_PRICE = "worth_its_price", "{replicas} replicas of {load_per_replica} are worth their price for what is expected in {ahead_seconds} s, with a chance of {chance} that it is more[, the load is {load} now][; the risk is {risk}, as that did best lately beside the usual HPA][; {kept} were within the last lead time and stay]";
    /// By a risk: for the load of now more are worth their price than for any to come.
    NEEDED_NOW = "needed_now", "for the load of {load} now {replicas} replicas of {load_per_replica} are worth their price[; {kept} were within the last lead time and stay][; the risk is {risk}, as that did best lately beside the usual HPA]";
    /// By a risk: more than there are is needed only before what is ordered now could be ready.
    TOO_LATE_TO_ORDER = "too_late_to_order", "{needed} replicas of {load_per_replica} would be worth their price before any that is ordered now is ready, so {replicas} stay and none is ordered[, the load is {load} now][; {kept} were within the last lead time and stay][; the risk is {risk}, as that did best lately beside the usual HPA]";
    /// By a risk: the load was more than the ready replicas carry, and some more of them work off what waits.
    WORKS_OFF = "works_off", "the load of {load} is or was more than the ready replicas of {load_per_replica} carry, so that it will have waited for {waiting_seconds} s, and {replicas} carry it then and work that off[; {kept} were within the last lead time and stay][; the risk is {risk}, as that did best lately beside the usual HPA]";
    /// By a risk: the ready replicas are full, and the load has followed as more of them got ready, so that
    /// nobody sees how much there is.
    SATURATED = "saturated", "the load of {load} fills the replicas of {load_per_replica} that are ready, as it did when they were fewer, so that nobody sees how much there is, and {replicas} are asked for[; {kept} were within the last lead time and stay][; the risk is {risk}, as that did best lately beside the usual HPA]";
    /// By a risk, without a forecast: as many as carry the load of now with a plain reserve.
    NO_FORECAST_YET = "no_forecast_yet", "there is no forecast now, so the load of {load} is carried at a utilization of {utilization} of {load_per_replica} a replica";
    /// What a replica carries is still to be learnt.
    CAPACITY_UNKNOWN = "capacity_unknown", "what a replica carries is not known yet, {n_samples} of {needed_samples} samples are seen";
    /// The loads of a replica have differed too little to learn how the latency grows with them.
    LOADS_TOO_ALIKE = "loads_too_alike", "the loads seen so far differ too little to learn the latency by them, {n_comparisons} of {needed_comparisons} comparisons could be made of {n_samples} samples";
    /// Even a replica without load is slower than the objective, so more of them do not help.
    OBJECTIVE_UNREACHABLE = "objective_unreachable", "even without load the latency is {latency}, the objective is {objective}";
    /// Too little history to forecast from.
    TOO_LITTLE_HISTORY = "too_little_history", "only {n_samples} samples of history, {needed_samples} are needed";
    /// The forecast has not lately proved better than what needs no model (as now, the level of the
    /// load), has just fallen behind it, or its quantile is worth less, so it is not used; the
    /// sentence names what stands most in the way, the facts have the skill against each.
    NO_SKILL = "no_skill", "the forecast has not lately proved better than \"as now\" (skill {skill}, {evidence} standard errors of {needed} needed)";
    /// The last samples are missing, so there is no ground to forecast from.
    GAP_TOO_WIDE = "gap_too_wide", "the last {gap_seconds} s of the metric are missing";
    /// The model could not be fitted to this history.
    MODEL_FAILED = "model_failed", "the model could not be fitted to {n_samples} samples";

    // Combination and zero.
    /// The highest proposal is taken. Kubernetes: `ValidMetricFound`.
    HIGHEST_PROPOSAL = "highest_proposal", "the highest of {n_proposals} proposals";
    /// The first policy in the order of the configuration that has an opinion decides.
    FIRST_PROPOSAL = "first_proposal", "the first of {n_proposals} proposals in the order of priority";
    /// Enough policies want to go the same way.
    AGREEMENT = "agreement", "of {n_proposals} proposals {n_up} want more and {n_down} fewer, which is agreement enough";
    /// Not enough policies want to go the same way.
    NO_AGREEMENT = "no_agreement", "of {n_proposals} proposals {n_up} want more and {n_down} fewer, which is no agreement";
    /// The policy may only raise, and does not want to now.
    MAY_ONLY_RAISE = "may_only_raise", "it may only raise";
    /// The policy may only lower, and does not want to now.
    MAY_ONLY_LOWER = "may_only_lower", "it may only lower";
    /// A policy cannot read its metric, so nothing is taken away. Kubernetes: `ScalingActive` false.
    SCALE_DOWN_BLOCKED = "scale_down_blocked", "policies that cannot read their metric: {n_blocking}, so nothing is taken away";
    /// There are schedules only, and beside their windows nothing asks for more than the minimum.
    MINIMUM_SUFFICES = "minimum_suffices", "beside schedules nothing asks for more than the minimum of {min_replicas}";
    /// No policy had an opinion.
    NO_PROPOSAL = "no_proposal", "no policy has an opinion";
    /// Idle for the whole grace: down to zero. Kubernetes: `ScaledToZero`; KEDA: `cooldownPeriod`.
    IDLE = "idle", "idle for {idle_seconds} s";
    /// Idle, but not yet for the whole grace: the last replica stays.
    IDLE_GRACE = "idle_grace", "idle for {idle_seconds} s of a grace of {grace_seconds} s";
    /// Work never came back so soon after it went: asleep until a lead time before it may.
    ASLEEP = "asleep", "idle for {idle_seconds} s, work is not due before {until_seconds} s";
    /// Work came back within this time before: awake for it.
    ARRIVAL_DUE = "arrival_due", "idle for {idle_seconds} s, work is due until {until_seconds} s";
    /// Load has come to a workload at zero. KEDA: activation.
    ACTIVATED = "activated", "the load of {load} is above the activation threshold {activation}";
    /// At zero by the user's hand, not by a decision. Kubernetes: `ScalingDisabled`.
    PAUSED_AT_ZERO = "paused_at_zero", "the workload stands at zero and is taken as paused";

    // Guards and limits.
    /// A recent recommendation holds it back. Kubernetes: `ScaleDownStabilized`, `ScaleUpStabilized`.
    STABILIZATION_WINDOW = "stabilization_window", "a recommendation of {recommended} within the last {window_seconds} s holds it";
    /// Growth is limited. Kubernetes: `ScaleUpLimit`.
    SCALE_UP_LIMIT = "scale_up_limit", "growth is limited to {limit} for now";
    /// Shrinking is limited. Kubernetes: `ScaleDownLimit`.
    SCALE_DOWN_LIMIT = "scale_down_limit", "shrinking is limited to {limit} for now";
    /// The last change is too recent. Datadog WPA: `upscaleForbiddenWindowSeconds` and its like.
    COOLDOWN = "cooldown", "cooling down for another {left_seconds} s";
    /// The size has turned too often lately to turn down once more.
    FLAP_BUDGET_SPENT = "flap_budget_spent", "the size has turned {n_turns} times within {window_seconds} s and stays up";
    /// The change is too small to be worth it.
    SMALL_CHANGE = "small_change", "a change by {change_ratio} is within the tolerance of {tolerance_ratio}";
    /// Below the lower limit. Kubernetes: `TooFewReplicas`.
    TOO_FEW_REPLICAS = "too_few_replicas", "the minimum is {min_replicas}";
    /// Above the upper limit. Kubernetes: `TooManyReplicas`.
    TOO_MANY_REPLICAS = "too_many_replicas", "the maximum is {max_replicas}";

    // Mode.
    /// The mode is `observe`: the recommendation is told, not acted upon.
    OBSERVE_ONLY = "observe_only", "the mode is observe, so nothing moves";
    /// The mode is `scale_up_only`.
    SCALE_UP_ONLY = "scale_up_only", "the mode is scale_up_only, so nothing is taken away";

    // Vertical sizing.
    /// The usage so far decides, as percentiles with a margin. Kubernetes VPA: `RecommendationProvided`.
    USAGE_HISTORY = "usage_history", "{n_samples} samples over {span_days} days, at a confidence of {confidence}";
    /// No sample of the resource has come yet. Kubernetes VPA: `NoPodsMatched` and its like.
    NO_SAMPLES = "no_samples", "no sample has come yet";
    /// The last sample is too old to size by. Kubernetes VPA drops what it knows at that age.
    SAMPLES_EXPIRED = "samples_expired", "the last sample is {silent_seconds} s old, from {expiry_seconds} s on it says nothing";
    /// The settings leave this resource alone. Kubernetes VPA: `controlledResources`.
    NOT_CONTROLLED = "not_controlled", "the settings leave this resource alone";
    /// Running out of memory is reported too late to count.
    OUT_OF_MEMORY_TOO_OLD = "out_of_memory_too_old", "running out of memory is reported {late_seconds} s after the fact, at most {most_seconds} s count";
    /// The request lies outside the recommended bounds, or there is none.
    REQUEST_OUT_OF_BOUNDS = "request_out_of_bounds", "a request lies outside the recommended bounds, the relative difference is {difference}";
    /// Running out of memory soon after the start, and the recommendation differs.
    OUT_OF_MEMORY_SOON = "out_of_memory_soon", "out of memory {ran_seconds} s after the start, the relative difference is {difference}";
    /// Within its bounds, but old enough and far enough from the target.
    REQUEST_OFF_TARGET = "request_off_target", "the requests are off their targets by {difference} after {age_seconds} s";
    /// The request may stay.
    REQUEST_FITS = "request_fits", "the requests are off their targets by {difference}, which may stay";

    // Tuning.
    /// What was found did better than the current settings, on days on which it was not chosen too.
    PROVED_BETTER = "proved_better", "on days on which it was not chosen it had {violation_share} of the minutes in violation at {replica_hours_per_day} replica-hours a day, the current settings {current_violation_share} at {current_replica_hours_per_day}";
    /// The current settings stay: nothing tried was better.
    NOTHING_BETTER = "nothing_better", "none of {n_tried} other settings was better than the current ones";
    /// The current settings stay: what was better where it was chosen was not on other days.
    NOT_CONFIRMED = "not_confirmed", "what looked best was no better on days on which it was not chosen: {violation_share} of the minutes in violation at {replica_hours_per_day} replica-hours a day, the current settings {current_violation_share} at {current_replica_hours_per_day}";
    /// The current settings stay: the search was interrupted before anything could prove better.
    INTERRUPTED = "interrupted", "the search was interrupted after {n_tried} settings, before any could prove better than the current ones";
    /// Too little of the load is known for a search.
    TOO_LITTLE_SEEN = "too_little_seen", "{seen_days} days of load are known, a search needs {needed_days}";
    /// Settings that a search has found are replayed beside the current ones on load that it had not seen.
    IN_SHADOW = "in_shadow", "what was found last is replayed beside the current settings on load that no search has seen, {seen_days} days of at least {needed_days} so far[; it saves {saved_share} of the total there, and the chance that it is better is {chance}]";
    /// What was tried in shadow does better than the current settings, and takes their place.
    ADOPTED = "adopted", "over {seen_days} days of load that no search had seen, it saves {saved_share} of the total in shadow; the chance that it is better is {chance}";
    /// What was tried in shadow does not do better there, and is dropped.
    DROPPED = "dropped", "over {seen_days} days of load that no search had seen, what was found saves {saved_share} of the total in shadow; the chance that it is better is {chance}, which is not enough";
    /// Settings were adopted lately, and those before them are replayed beside them.
    ON_PROBATION = "on_probation", "the settings adopted last are on probation for {left_days} more days[; in the {seen_days} days since, those before them would have saved {saved_share} of the total, and the chance that they are better is {chance}]";
    /// The settings before the adopted ones would have done better since, and take their place again.
    ROLLED_BACK = "rolled_back", "in the {seen_days} days since, the settings before would have saved {saved_share} of the total; the chance that they are better is {chance}";
    /// The adopted settings were not worse than those before them, which are given up.
    KEPT = "kept", "in the {seen_days} days since, the settings before would have saved {saved_share} of the total; the chance that they are better is {chance}, which is not enough";
    /// After settings were rolled back nothing is tried for a while.
    PAUSED = "paused", "settings were rolled back, so nothing is tried for {left_days} more days";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let mut names: Vec<_> = codes::ALL.iter().map(Code::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), codes::ALL.len());
        let snake = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(snake), "{names:?}");
    }

    #[test]
    fn what_stands_in_brackets_is_told_where_its_facts_are_known() {
        let code = Code::new("n", "{n} of[ {most}, that is {share}] all[ there are]");
        let reason = Reason::new(code, [("n", 1.0), ("most", 2.0)]);
        assert_eq!(reason.to_string(), "1 of all there are");
        assert_eq!(reason.with("share", 0.5).to_string(), "1 of 2, that is 0.5 all there are");
        let mut full = reason;
        for _ in 0..9 {
            full = full.with("more", 3.0);
        }
        assert_eq!(full.facts().len(), Reason::MOST_FACTS);
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        for (number, want) in [
            (7.0, "7"),
            (0.7, "0.7"),
            (0.123, "0.12"),
            (1234.567, "1234.6"),
            (0.0125, "0.0125"),
            (0.00012, "0.00012"),
            (2e-9, "2e-9"),
            (3.163_208e-7, "3.16e-7"),
            (1.250_001e20, "1.25e20"),
            (1e300, "1e300"),
            (0.0, "0"),
        ] {
            let code = Code::new("n", "{n}");
            assert_eq!(Reason::new(code, [("n", number)]).to_string(), want);
        }
    }
}
