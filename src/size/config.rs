//! Settings of a sizer, with the defaults of the VPA's recommender since 1.4.
//!
//! In: settings as text or types. Out: checked ones. Knows no samples.

use serde::{Deserialize, Serialize};

use super::amount::{Amounts, MOST, pod_minimums};
use super::boost::StartupBoost;
use super::samples::Rules;
use crate::config::read;
use crate::error::Error;
use crate::time::Duration;

/// Settings of a [`Sizer`](super::Sizer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How CPU is sized.
    pub cpu: ResourceConfig,
    /// How memory is sized.
    pub memory: ResourceConfig,
    /// What is added to a percentile of the usage, as a ratio from 0 to 100. Default: 0.15, as the
    /// VPA's `recommendation-margin-fraction`.
    pub margin: f64,
    /// What a pod gets at least, in millicores, shared by its containers. Default: 25, as the VPA's
    /// `pod-recommendation-min-cpu-millicores`.
    pub pod_min_cpu_millicores: f64,
    /// What a pod gets at least, in MiB, shared by its containers. Default: 250, as the VPA's
    /// `pod-recommendation-min-memory-mb`.
    pub pod_min_memory_mib: f64,
    /// How many containers of the pod are sized; from 1 up. Default: 1.
    pub n_containers: usize,
    /// Only the peak of the memory within this time counts; above 0. Default: 24 h, as the VPA's
    /// `memory-aggregation-interval`.
    pub memory_interval: Duration,
    /// After so many intervals without a sample nothing is recommended; from 1 up. Default: 8, as
    /// the VPA's `memory-aggregation-interval-count`.
    pub memory_intervals: u32,
    /// Out of memory, the usage counts as this many times what it was; from 1 up. Default: 1.2, as
    /// the VPA's `oom-bump-up-ratio`.
    pub oom_bump_ratio: f64,
    /// Out of memory, the usage counts as so many bytes more, at least; from 0 up. Default: 100 MiB,
    /// as the VPA's `oom-min-bump-up-bytes`.
    pub oom_min_bump_bytes: f64,
    /// What a sample of the CPU counts. Default: `constant`, as the VPA since 1.4.
    pub cpu_sample_weight: CpuSampleWeight,
    /// More CPU while the container starts. Default: none.
    pub startup_boost: Option<StartupBoost>,
}

/// How one resource is sized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ResourceConfig {
    /// Whether it is sized at all. Default: yes. The VPA's `controlledResources`.
    pub controlled: bool,
    /// The percentile of the usage to request, in (0, 1]. Default: 0.9, as the VPA.
    pub target_percentile: f64,
    /// The percentile of the lower bound, in (0, 1]. Default: 0.5, as the VPA.
    pub lower_percentile: f64,
    /// The percentile of the upper bound, in (0, 1]. Default: 0.95, as the VPA.
    pub upper_percentile: f64,
    /// A sample counts half as much as one that is so much newer; above 0. Default: 24 h, as the
    /// VPA's `cpu-histogram-decay-half-life` and `memory-histogram-decay-half-life`.
    pub half_life: Duration,
    /// How much history makes a confidence of 1; above 0. Default: 24 h, as the VPA.
    pub confidence_interval: Duration,
    /// Never less than this, in millicores or bytes; from 0 up. Default: 0. The VPA's `minAllowed`.
    pub min_allowed: i64,
    /// Never more than this, in millicores or bytes; from `min_allowed` up. Default: 10^14, which
    /// is none. The VPA's `maxAllowed`.
    pub max_allowed: i64,
    /// Amounts are rounded up to a multiple of this, in millicores or bytes; from 1 up. Default: 1,
    /// as the VPA's `round-cpu-millicores` and `round-memory-bytes`.
    pub round_up_to: i64,
}

/// What a sample of the CPU counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CpuSampleWeight {
    /// All the same, as the VPA since 1.4.
    #[default]
    Constant,
    /// By the cores that the container requests, as the VPA before 1.4: a container that may use
    /// more says more.
    Request,
}

impl CpuSampleWeight {
    /// The weight of a sample of a container that requests `cpu_millicores`: 0.1, or the cores it
    /// requests if those are more, 10^11 at most.
    #[must_use]
    pub fn of(self, cpu_millicores: Option<f64>) -> f64 {
        const LEAST: f64 = 0.1;
        const MOST_CORES: f64 = MOST as f64 / 1000.0;
        match self {
            Self::Constant => LEAST,
            // What is no number fails the comparison, and weighs least.
            Self::Request => {
                let cores = cpu_millicores.unwrap_or(0.0) / 1000.0;
                if cores > LEAST { cores.min(MOST_CORES) } else { LEAST }
            }
        }
    }
}

impl Config {
    /// Reads settings: JSON, or YAML with the feature `yaml`.
    ///
    /// ```
    /// use forescale::size::Config;
    ///
    /// let config = Config::from_text(r#"{"cpu": {"target_percentile": 0.95}}"#)?;
    /// assert_eq!((config.cpu.target_percentile, config.margin), (0.95, 0.15));
    /// let error = Config::from_text(r#"{"marign": 0.2}"#).unwrap_err();
    /// assert!(error.to_string().contains("did you mean `margin`?"), "{error}");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an unknown
    /// setting (named, with the nearest known one), a value of the wrong type or out of its range.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let config: Self = read::read(&read::parse(text)?)?;
        config.check()?;
        Ok(config)
    }

    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// That names the first setting that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.cpu.check().map_err(|error| error.at("cpu"))?;
        self.memory.check().map_err(|error| error.at("memory"))?;
        let most = MOST as f64;
        for (field, number, low, high) in [
            ("margin", self.margin, 0.0, 100.0),
            ("pod_min_cpu_millicores", self.pod_min_cpu_millicores, 0.0, most),
            ("pod_min_memory_mib", self.pod_min_memory_mib, 0.0, most),
            ("oom_bump_ratio", self.oom_bump_ratio, 1.0, 1000.0),
            ("oom_min_bump_bytes", self.oom_min_bump_bytes, 0.0, most),
        ] {
            if !(low..=high).contains(&number) {
                let message = format!("is {number}, must be in [{low}, {high}]");
                return Err(Error::config(field, message));
            }
        }
        for (field, is_zero) in [
            ("n_containers", self.n_containers == 0),
            ("memory_interval", self.memory_interval.is_zero()),
            ("memory_intervals", self.memory_intervals == 0),
        ] {
            if is_zero {
                return Err(Error::config(field, "is 0, must be above 0"));
            }
        }
        match &self.startup_boost {
            Some(boost) => boost.check().map_err(|error| error.at("startup_boost")),
            None => Ok(()),
        }
    }

    /// What the container gets at least.
    pub(super) fn least(&self) -> Amounts {
        pod_minimums(self.pod_min_cpu_millicores, self.pod_min_memory_mib, self.n_containers)
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            interval: self.memory_interval,
            oom_bump_ratio: self.oom_bump_ratio,
            oom_min_bump: self.oom_min_bump_bytes,
        }
    }
}

impl ResourceConfig {
    fn check(&self) -> Result<(), Error> {
        for (field, percentile) in [
            ("target_percentile", self.target_percentile),
            ("lower_percentile", self.lower_percentile),
            ("upper_percentile", self.upper_percentile),
        ] {
            if !(percentile > 0.0 && percentile <= 1.0) {
                return Err(Error::config(field, format!("is {percentile}, must be in (0, 1]")));
            }
        }
        let target = self.target_percentile;
        for (field, own, side, is_wrong) in [
            ("lower_percentile", self.lower_percentile, "above", self.lower_percentile > target),
            ("upper_percentile", self.upper_percentile, "below", self.upper_percentile < target),
        ] {
            if is_wrong {
                let message = format!("is {own}, must not be {side} `target_percentile`, {target}");
                return Err(Error::config(field, message));
            }
        }
        for (field, span) in
            [("half_life", self.half_life), ("confidence_interval", self.confidence_interval)]
        {
            if span.is_zero() {
                return Err(Error::config(field, "is 0, must be above 0"));
            }
        }
        let (least, most) = (self.min_allowed, self.max_allowed);
        if !(0..=MOST).contains(&least) {
            let message = format!("is {least}, must be in [0, {MOST}]");
            return Err(Error::config("min_allowed", message));
        }
        if !(least..=MOST).contains(&most) {
            let message = format!("is {most}, must be in [`min_allowed`, {MOST}]");
            return Err(Error::config("max_allowed", message));
        }
        if !(1..=MOST).contains(&self.round_up_to) {
            let message = format!("is {}, must be in [1, {MOST}]", self.round_up_to);
            return Err(Error::config("round_up_to", message));
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        // As the VPA's recommender 1.4.
        Self {
            cpu: ResourceConfig::default(),
            memory: ResourceConfig::default(),
            margin: 0.15,
            pod_min_cpu_millicores: 25.0,
            pod_min_memory_mib: 250.0,
            n_containers: 1,
            memory_interval: Duration::from_secs(86_400),
            memory_intervals: 8,
            oom_bump_ratio: 1.2,
            oom_min_bump_bytes: 100.0 * 1024.0 * 1024.0,
            cpu_sample_weight: CpuSampleWeight::Constant,
            startup_boost: None,
        }
    }
}

impl Default for ResourceConfig {
    fn default() -> Self {
        // As the VPA's recommender 1.4.
        Self {
            controlled: true,
            target_percentile: 0.9,
            lower_percentile: 0.5,
            upper_percentile: 0.95,
            half_life: Duration::from_secs(86_400),
            confidence_interval: Duration::from_secs(86_400),
            min_allowed: 0,
            max_allowed: MOST,
            round_up_to: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_with_its_place() {
        for (text, want) in [
            (r#"{"margin": -0.1}"#, "`margin` is -0.1, must be in [0, 100]"),
            (r#"{"n_containers": 0}"#, "`n_containers` is 0, must be above 0"),
            (r#"{"memory_interval": 0}"#, "`memory_interval` is 0, must be above 0"),
            (r#"{"memory": {"half_life": 0}}"#, "`memory.half_life` is 0, must be above 0"),
            (
                r#"{"cpu": {"target_percentile": 1.5}}"#,
                "`cpu.target_percentile` is 1.5, must be in (0, 1]",
            ),
            (
                r#"{"cpu": {"lower_percentile": 0.92}}"#,
                "`cpu.lower_percentile` is 0.92, must not be above `target_percentile`, 0.9",
            ),
            (
                r#"{"cpu": {"upper_percentile": 0.8}}"#,
                "`cpu.upper_percentile` is 0.8, must not be below `target_percentile`, 0.9",
            ),
            (
                r#"{"cpu": {"min_allowed": 50, "max_allowed": 40}}"#,
                "`cpu.max_allowed` is 40, must be in [`min_allowed`, 100000000000000]",
            ),
            (
                r#"{"startup_boost": {"type": "factor", "factor": 0.5}}"#,
                "`startup_boost.factor` is 0.5, must be in [1, 1000]",
            ),
        ] {
            let settings: Config = serde_json::from_str(text).expect(text);
            let error = settings.check().expect_err(text);
            assert_eq!(error.to_string(), want);
            assert_eq!(Config::from_text(text), Err(error));
        }
        assert_eq!(Config::default().check(), Ok(()));
        assert_eq!(Config::from_text("{}"), Ok(Config::default()));
    }

    #[test]
    fn an_unknown_setting_is_answered_with_the_nearest_one() {
        for (text, place, nearest) in [
            (r#"{"marign": 1}"#, "marign", "margin"),
            (r#"{"cpu": {"half_live": "1d"}}"#, "cpu.half_live", "half_life"),
            (r#"{"memory": {"min_alowed": 5}}"#, "memory.min_alowed", "min_allowed"),
        ] {
            let error = Config::from_text(text).expect_err(text);
            assert_eq!(error.path(), place);
            let hint = format!("did you mean `{nearest}`?");
            assert!(error.to_string().contains(&hint), "{error}");
        }
        let boost = r#"{"startup_boost": {"type": "factor", "factor": 2, "duratoin": "1m"}}"#;
        let error = Config::from_text(boost).expect_err(boost);
        assert!(error.to_string().contains("did you mean `duration`?"), "{error}");
    }

    #[test]
    fn before_1_4_a_sample_of_a_large_container_counts_more() {
        let [now, before] = [CpuSampleWeight::Constant, CpuSampleWeight::Request];
        assert_eq!([now.of(Some(2500.0)), before.of(Some(2500.0))], [0.1, 2.5]);
        assert_eq!([before.of(Some(50.0)), before.of(None)], [0.1, 0.1]);
        assert_eq!([f64::NAN, f64::INFINITY].map(|cpu| before.of(Some(cpu))), [0.1, 1e11]);
    }
}
