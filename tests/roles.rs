//! What a host relies on: each role can be implemented outside and boxed, each public type sent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::guard::Guard;
use forescale::policy::{Policy, Proposal, View, Want};
use forescale::{Autoscaler, Code, Observation, Reason, Timestamp};
use serde::{Deserialize, Serialize};

#[test]
fn public_types_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Autoscaler>();
    crosses::<forescale::Config>();
    crosses::<forescale::Decision>();
    crosses::<forescale::Error>();
    crosses::<Observation>();
    crosses::<forescale::forecast::Model>();
    crosses::<forescale::forecast::Outlook>();
    crosses::<forescale::forecast::PanelForecast>();
    crosses::<forescale::size::Sizer>();
    crosses::<forescale::tune::Retuning>();
    crosses::<forescale::tune::SelfTuning>();
    crosses::<Box<dyn forescale::capacity::Capacity>>();
    crosses::<Box<dyn forescale::forecast::Forecaster>>();
    crosses::<Box<dyn Guard>>();
    crosses::<Box<dyn Policy>>();
}

/// A host's own policy: one replica more at each observation.
#[derive(Debug, Serialize, Deserialize)]
struct Ramp {
    next: u32,
}

const RAMP: Code = Code::new("ramp", "the ramp has come to {step}");

impl Policy for Ramp {
    fn propose(&mut self, _: &View<'_>) -> Result<Proposal, Reason> {
        self.next += 1;
        Ok(Proposal {
            want: Want::Replicas(self.next),
            wish: None,
            demand: None,
            reason: Reason::new(RAMP, [("step", f64::from(self.next))]),
        })
    }
}

/// A host's own guard: even sizes only.
#[derive(Debug, Serialize, Deserialize)]
struct Even;

const EVEN: Code = Code::new("even", "only even sizes are sold");

impl Guard for Even {
    fn hold(&mut self, _: Timestamp, _: u32, proposed: u32) -> (u32, Option<Reason>) {
        let held = proposed / 2 * 2;
        (held, (held != proposed).then(|| Reason::new(EVEN, [])))
    }
}

const CONFIG: &str = r#"{"max_replicas": 9, "metrics": {"cpu": {"kind": "utilization"}}, "guards": [],
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.5}]}"#;

fn with_own_members() -> Autoscaler {
    Autoscaler::from_text(CONFIG)
        .unwrap()
        .with_policy("ramp", Box::new(Ramp { next: 2 }))
        .with_guard("even", Box::new(Even))
}

#[test]
fn a_hosts_own_members_decide_explain_and_are_resumed() {
    let seen = |second| Observation::at(Timestamp::from_secs(second)).ready(2).metric("cpu", 0.5);
    let mut scaler = with_own_members();
    assert_eq!(scaler.decide(&seen(0)).replicas, 2); // 3, made even
    let decision = scaler.decide(&seen(15)).clone();
    assert_eq!(decision.replicas, 4);
    assert!(decision.explain().contains("ramp says 4, as the ramp has come to 4"));

    let snapshot = scaler.snapshot().unwrap();
    assert!(Autoscaler::restore(&snapshot).is_err(), "the host's members are not built in");
    let mut resumed = with_own_members();
    resumed.resume(&snapshot).unwrap();
    assert_eq!(resumed.decide(&seen(30)), scaler.decide(&seen(30)));
}
