//! Ways to scale that people use or could use, each with one knob, to hold one's own against.
//!
//! In: a [`Scene`]. Out: an autoscaler for each setting of the knob. What the catalog of policies has
//! is a configuration; the others are small policies that stand here and nowhere else.

mod hourly_forecast;
mod moving_maximum;
mod periodic_maximum;

use serde::{Deserialize, Serialize};

use self::hourly_forecast::HourlyForecast;
use self::moving_maximum::MovingMaximum;
use self::periodic_maximum::PeriodicMaximum;
use super::replay::Scene;
use crate::explain::Reason;
use crate::policy::{Proposal, Want};
use crate::time::{Duration, Timestamp};
use crate::{Autoscaler, Error};

/// A way to scale with one knob, swept over its range by [`fronts`](super::fronts). All know the
/// capacity of a replica, none knows what comes but [`HpaTuned`](Self::HpaTuned) and
/// [`StaticPeak`](Self::StaticPeak), which are tuned in hindsight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contender {
    /// This library's `predictive` by its risk, everything else the default.
    Predictive,
    /// The Kubernetes HPA with its defaults, on utilization; the knob is the target.
    Hpa,
    /// The HPA with the best of its settings in hindsight: target, scale-down window, tolerance.
    HpaTuned,
    /// Knative's autoscaler on the load; the knob is the target utilization.
    Knative,
    /// Target tracking of AWS on utilization; the knob is the target.
    AwsTargetTracking,
    /// The same with predictive scaling as that of AWS beside it: the highest of an hourly forecast,
    /// five minutes early; the knob is the target of both.
    AwsPredictive,
    /// The HPA and beside it the highest load of the coming hour on the last seven days, as Crane; the
    /// knob is the target of both.
    PeriodicMaximum,
    /// The highest load of a moving window, as the recommender of Autopilot; the knobs are the window
    /// and the target.
    MovingMaximum,
    /// One size, made for the peak; the knob is the utilization at the peak.
    StaticPeak,
}

/// One setting of a contender.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) scaler: Autoscaler,
}

const TARGETS: [f64; 15] =
    [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
const SCALE_DOWN_SECONDS: [u32; 4] = [0, 300, 900, 3600];
const TOLERANCES: [f64; 2] = [0.0, 0.1];
const RISKS: [f64; 14] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.17, 0.25, 0.5, 1.0];
const WINDOW_MINUTES: [u32; 4] = [5, 30, 120, 720];

impl Contender {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Predictive,
        Self::Hpa,
        Self::HpaTuned,
        Self::Knative,
        Self::AwsTargetTracking,
        Self::AwsPredictive,
        Self::PeriodicMaximum,
        Self::MovingMaximum,
        Self::StaticPeak,
    ];

    /// Its name, as configurations write it.
    ///
    /// ```
    /// use forescale::sim::Contender;
    ///
    /// assert_eq!(Contender::HpaTuned.name(), "hpa_tuned");
    /// assert_eq!(Contender::from_name("hpa_tuned")?, Contender::HpaTuned);
    /// let error = Contender::from_name("hpa_tune").unwrap_err().to_string();
    /// assert!(error.ends_with("did you mean `hpa_tuned`?"), "{error}");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predictive => "predictive",
            Self::Hpa => "hpa",
            Self::HpaTuned => "hpa_tuned",
            Self::Knative => "knative",
            Self::AwsTargetTracking => "aws_target_tracking",
            Self::AwsPredictive => "aws_predictive",
            Self::PeriodicMaximum => "periodic_maximum",
            Self::MovingMaximum => "moving_maximum",
            Self::StaticPeak => "static_peak",
        }
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a name that is none of them.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name);
            let near = crate::catalog::did_you_mean(name, &known);
            Error::config("contender", format!("is \"{name}\", must be one of {known:?}{near}"))
        })
    }

    /// An autoscaler for each setting of the knob.
    pub(super) fn entries(self, scene: &Scene<'_>) -> Result<Vec<Entry>, Error> {
        let load_metric = &scene.settings.load_metric;
        let (cpu, rps) = (quoted(&scene.settings.utilization_metric), quoted(load_metric));
        let at_targets = |entry: &dyn Fn(f64) -> Result<Autoscaler, Error>| {
            let entries = TARGETS.iter().map(|&target| {
                Ok(Entry { label: format!("target {target}"), scaler: entry(target)? })
            });
            entries.collect::<Result<Vec<_>, Error>>()
        };
        let target =
            |target: f64| format!(r#"{{"kind": "target", "metric": {cpu}, "target": {target}}}"#);
        let tracking = |target: f64| {
            format!(r#"{{"kind": "target_tracking", "metric": {cpu}, "target": {target}}}"#)
        };
        let no_guards = r#", "guards": []"#;
        match self {
            Self::Hpa => at_targets(&|at| scene.scaler(Shown::Used, &target(at), "")),
            Self::HpaTuned => {
                let mut entries = Vec::new();
                for at in TARGETS {
                    for window in SCALE_DOWN_SECONDS {
                        for tolerance in TOLERANCES {
                            let policy = format!(
                                r#"{{"kind": "target", "metric": {cpu}, "target": {at}, "tolerance": {tolerance}}}"#
                            );
                            let guards = format!(
                                r#", "guards": [{{"kind": "stabilization", "scale_down": "{window}s"}}]"#
                            );
                            let label = format!("target {at}, {window} s, tolerance {tolerance}");
                            entries.push(Entry {
                                label,
                                scaler: scene.scaler(Shown::Used, &policy, &guards)?,
                            });
                        }
                    }
                }
                Ok(entries)
            }
            Self::Knative => at_targets(&|at| {
                let load = at * scene.load_per_replica;
                // Its own least target is 0.01, whatever the unit.
                let policy = format!(
                    r#"{{"kind": "concurrency", "metric": {rps}, "target": {}}}"#,
                    load.max(0.01)
                );
                scene.scaler(Shown::Load, &policy, no_guards)
            }),
            Self::AwsTargetTracking => {
                at_targets(&|at| scene.scaler(Shown::Used, &tracking(at), no_guards))
            }
            Self::AwsPredictive => at_targets(&|at| {
                let load = at * scene.load_per_replica;
                let hourly =
                    HourlyForecast::new(load_metric, load, scene.trace.step, scene.history())?;
                let scaler = scene.scaler(Shown::Both, &tracking(at), no_guards)?;
                Ok(scaler.with_policy("hourly_forecast", Box::new(hourly)))
            }),
            Self::PeriodicMaximum => at_targets(&|at| {
                let load = at * scene.load_per_replica;
                let periodic =
                    PeriodicMaximum::new(load_metric, load, scene.trace.step, scene.history());
                let scaler = scene.scaler(Shown::Both, &target(at), "")?;
                Ok(scaler.with_policy("periodic_maximum", Box::new(periodic)))
            }),
            Self::MovingMaximum => {
                let mut entries = Vec::new();
                for minutes in WINDOW_MINUTES {
                    for at in TARGETS {
                        let window = Duration::from_secs(60 * minutes);
                        let load = at * scene.load_per_replica;
                        let moving = MovingMaximum::new(load_metric, load, window, scene.history());
                        // Has to be there, and wants no more than the minimum.
                        let none = r#"{"kind": "fixed_value", "value": 1}"#;
                        let scaler = scene.scaler(Shown::Load, none, no_guards)?;
                        entries.push(Entry {
                            label: format!("target {at}, {minutes} min"),
                            scaler: scaler.with_policy("moving_maximum", Box::new(moving)),
                        });
                    }
                }
                Ok(entries)
            }
            Self::StaticPeak => {
                let peak = scene.loads.iter().copied().fold(0.0, f64::max);
                at_targets(&|at| {
                    let size = scene.replicas_for(peak, at).max(1);
                    let limits = format!(r#", "guards": [], "min_replicas": {size}"#);
                    let policy = format!(r#"{{"kind": "fixed_value", "value": {size}}}"#);
                    scene.scaler(Shown::Used, &policy, &limits)
                })
            }
            Self::Predictive => {
                let entries = RISKS.iter().map(|risk| {
                    let policy =
                        format!(r#"{{"kind": "predictive", "metric": {rps}, "risk": {risk}}}"#);
                    let rest = format!(
                        r#", "lead_time": {}, "capacity": {{"kind": "fixed", "metric": {rps}, "load_per_replica": {}}}"#,
                        scene.settings.start_up.as_secs_f64(),
                        scene.load_per_replica
                    );
                    Ok(Entry {
                        label: format!("risk {risk}"),
                        scaler: scene.scaler(Shown::Load, &policy, &rest)?,
                    })
                });
                entries.collect()
            }
        }
    }
}

/// Which of the plant's metrics a contender is shown; what nobody reads only costs time.
#[derive(Clone, Copy)]
enum Shown {
    Load,
    Used,
    Both,
}

impl Scene<'_> {
    /// One policy, and settings beside it.
    fn scaler(&self, shown: Shown, policy: &str, rest: &str) -> Result<Autoscaler, Error> {
        let load = format!("{}: {{\"kind\": \"total\"}}", quoted(&self.settings.load_metric));
        let used =
            format!("{}: {{\"kind\": \"utilization\"}}", quoted(&self.settings.utilization_metric));
        let metrics = match shown {
            Shown::Load => load,
            Shown::Used => used,
            Shown::Both => format!("{load}, {used}"),
        };
        let most = self.most_replicas();
        Autoscaler::from_text(&format!(
            r#"{{"max_replicas": {most}, "metrics": {{{metrics}}}, "policies": [{policy}]{rest}}}"#
        ))
    }

    /// Four times what the peak needs at the usual utilization: nobody is held by it.
    fn most_replicas(&self) -> u32 {
        let peak = self.loads.iter().copied().fold(0.0, f64::max);
        let needed = self.replicas_for(peak, self.settings.target_utilization);
        needed.max(self.peak_need()).max(1).saturating_mul(4)
    }

    /// The load before the scored part, as far as the settings have history.
    fn history(&self) -> impl Iterator<Item = (Timestamp, f64)> {
        let (start, step) = (self.trace.start, self.trace.step);
        self.history_range()
            .map(move |index| (start + step.times(index as i64), self.trace.values[index]))
    }
}

/// A name as JSON.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// A proposal of so many replicas, rounded up; a hair above a whole number is rounding.
fn law(wish: f64, reason: Reason) -> Proposal {
    let replicas = (wish - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32;
    Proposal { want: Want::Replicas(replicas), wish: Some(wish), demand: None, reason }
}
