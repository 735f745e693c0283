//! Predictive autoscaling to embed: observations of a workload in, replicas and the reason out.
//!
//! ```
//! use forescale::{Autoscaler, Observation, Timestamp};
//!
//! let mut scaler = Autoscaler::from_text(
//!     "
//!     min_replicas: 2
//!     max_replicas: 60
//!     metrics:
//!       rps: { kind: total }
//!     capacity: { kind: fixed, metric: rps, load_per_replica: 110 }
//!     policies:
//!       - { kind: predictive, metric: rps }
//!     ",
//! )?;
//! let seen = Observation::at(Timestamp::from_secs(1_767_600_000)).ready(7).metric("rps", 1240.0);
//! let decision = scaler.decide(&seen);
//! // Without history the load of now is carried at 70 %: 1240 / (110 * 0.7) = 16.1.
//! assert_eq!(decision.replicas, 14); // at most twice as many in 15 seconds, as the HPA
//! println!("{}", decision.explain());
//! # Ok::<(), forescale::Error>(())
//! ```
//!
//! # The map
//!
//! The data goes one way, and a room uses only rooms above it (a test keeps that order):
//!
//! | room | what lives there |
//! |---|---|
//! | ground: [`Error`], [`Timestamp`] and [`Duration`], [`Reason`] and [`codes`], the catalog | what every room stands on |
//! | [`series`] | [`Observation`] and [`Reading`]; samples on a fixed step, gaps, late readings; seasons found in a history; windows, sliding maxima, periods, decaying histograms |
//! | [`detect`] | role [`Detector`](detect::Detector), a file a detector: what is abnormal in a series; [`Screen`](detect::Screen) keeps a broken metric from moving replicas, [`Peers`](detect::Peers) names the replica that differs, [`TimeToLimit`](detect::TimeToLimit) a leak, [`Relation`](detect::Relation) two metrics that part |
//! | [`gpu`] | the graphics card: adapter, device, a shader and its twin for each kernel |
//! | [`forecast`] | role [`Forecaster`](forecast::Forecaster), a file a model, [`auto`](forecast::auto) the default; quantiles from a model's own errors; regressors and holidays; one series, a panel of many; the ledger of accuracy and the trust gate |
//! | [`demand`] | the load to be carried: a quantile of the forecast up to the horizon |
//! | [`capacity`] | role [`Capacity`](capacity::Capacity): load to replicas and back, known or learnt from utilization or latency; the lead time, known or learnt |
//! | [`policy`] | role [`Policy`](policy::Policy), a file a law: those of Kubernetes, KEDA, Knative, Datadog, AWS, Nomad and Cloud Foundry; predictive; what stands in for a lost metric |
//! | [`guard`] | role [`Guard`](guard::Guard): stabilization, rate, cooldown, tolerance, change limit; holds back, never pushes (but for `without_behavior`, which follows the Kubernetes HPA in that too) |
//! | [`combine`] | several policies become one: their directions, own guards and groups; maximum, all, k of n, priority |
//! | [`zero`] | to zero and back: activation, grace, when work is to come back |
//! | [`Autoscaler`], [`Decision`], [`Config`] | the loop; text to the loop; snapshots |
//! | [`manifest`] | HPA, KEDA, Knative, AWS, GCP and Azure settings become a [`Config`], with a report of every field |
//! | [`sim`] | trace (CSV, Prometheus), plant (fluid queue, servers to a response time, batching language model) with its faults and prices, replay of the live code, score, bounds, fronts of the ways to scale that people use, two configurations side by side, one moment explained, agreement with what really ran, report; many settings in numbers alone, for the card |
//! | [`tune`] | better settings by search in closed loop: the front of cost against violations, a recommendation and what to expect of it, many settings also on the graphics card; [`SelfTuning`](tune::SelfTuning), an autoscaler that does so on the load it sees, adopts what proves better in shadow, and goes back where it was worse |
//! | [`lint`] | settings that must oscillate or can never work, and the smallest change that mends them |
//! | [`size`] | vertical: requests of CPU and memory from usage histograms; out-of-memory reaction; as the Kubernetes VPA |
//!
//! A new policy, forecaster, capacity or guard is one file, a `mod` line and a line in its room's
//! catalog; the configuration and both bindings follow from that line.
//!
//! # What is absent on purpose
//!
//! No clock, network, file or environment is read, and no thread is kept: time comes in with the
//! observation, settings with the configuration. No random number is drawn outside the simulator,
//! whose generator is seeded. [`Autoscaler::decide`] has no error: data that cannot be relied on is
//! answered with "hold" and a reason.
//!
//! # Features
//!
//! `parallel` (replays on all cores), `schedule` (cron in time zones) and `yaml` are on by default.
//! `augurs` adds the MSTL and ETS forecasters, `ml` an elastic net over many series, `csv` traces from
//! files, `gpu` panels and searches on the graphics card, `report` the HTML report, `schema` the
//! configuration's JSON Schema.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod catalog;
mod error;
mod explain;
mod time;

pub mod series;

pub mod detect;

pub mod gpu;

pub mod forecast;

pub mod demand;

pub mod capacity;

pub mod policy;

pub mod guard;

pub mod combine;

pub mod zero;

mod config;
mod decide;

pub mod manifest;

pub mod sim;

pub mod tune;

pub mod lint;

pub mod size;

#[cfg(test)]
mod testing;

pub use catalog::Saved;
pub use config::{Config, MetricConfig, Origin};
pub use decide::{Autoscaler, Decision, Mode, Said};
pub use error::{Error, ErrorKind};
pub use explain::{Code, Reason, Step, codes};
pub use series::{Observation, Phase, Reading, ReplicaReading, Replicas};
pub use time::{Duration, Timestamp};
pub use zero::Config as ZeroConfig;

/// The README's examples are tests.
#[cfg(all(doctest, feature = "yaml"))]
#[doc = include_str!("../README.md")]
struct Readme;
