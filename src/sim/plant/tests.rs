use super::*;
use crate::sim::{Episodes, NodeLoss};

fn plant(change: impl FnOnce(&mut Settings)) -> Plant {
    let mut settings =
        Settings { start_up_jitter: 0.0, noise: 0.0, missing: 0.0, ..Settings::default() };
    change(&mut settings);
    Plant::new(&settings, 10.0, Timestamp::from_secs(0), 4, 20.0)
}

#[test]
fn a_stopping_replica_serves_no_more_and_is_paid_for_its_grace() {
    let mut plant = plant(|_| {});
    plant.request(3);
    let ticks: Vec<_> = (0..3).map(|_| plant.pass(20.0)).collect();
    assert_eq!(ticks.iter().map(|tick| tick.capacity).collect::<Vec<_>>(), [30.0; 3]);
    assert_eq!(ticks.iter().map(|tick| tick.paid).collect::<Vec<_>>(), [60.0, 60.0, 45.0]);
}

#[test]
fn starting_replicas_are_cancelled_before_ready_ones_stop() {
    let mut plant = plant(|_| {});
    plant.request(6);
    plant.request(3);
    assert_eq!(plant.replicas(), Replicas { ready: 3, pending: 0, requested: None });
}

#[test]
fn readings_lag_and_utilization_cannot_show_an_overload() {
    let mut plant = plant(|settings| settings.metric_lag = Duration::from_secs(30));
    let mut seen = Observation::default().metric("rps", None).metric("cpu", None);
    let mut read = |plant: &mut Plant| {
        plant.observe(&mut seen);
        (seen.metrics["rps"].clone(), seen.metrics["cpu"].clone())
    };
    let want = |total, average| (Reading::Total { total }, Reading::Average { average });
    assert_eq!(read(&mut plant), want(20.0, 0.5));
    plant.pass(80.0);
    assert_eq!(read(&mut plant), want(20.0, 0.5));
    plant.pass(80.0);
    plant.pass(80.0);
    assert_eq!(read(&mut plant), want(80.0, 1.0)); // twice of what four replicas carry
}

#[test]
fn a_crashed_replica_starts_again() {
    let mut plant = plant(|settings| settings.crashes_per_day = 1e6);
    plant.pass(20.0);
    assert_eq!(plant.replicas(), Replicas { ready: 0, pending: 4, requested: None });
}

#[test]
fn a_lost_node_takes_its_share_and_a_shortage_keeps_it_waiting_unpaid() {
    let always = |per_day| Episodes { per_day, lasts: Duration::from_secs(60) };
    let mut plant = plant(|settings| {
        settings.faults.node_loss = NodeLoss { per_day: 1e6, share: 0.3 };
        settings.faults.node_shortage = always(1e6);
    });
    let first = plant.pass(20.0); // faults are drawn for the end of a span
    assert_eq!((first.ready, first.paid), (4, 60.0));
    let second = plant.pass(20.0);
    // 0.3 of 4 is 1.2, so 2 are gone; no node takes them.
    assert_eq!((second.ready, second.requested, second.paid), (2, 4, 30.0));
    assert_eq!(plant.replicas(), Replicas { ready: 2, pending: 2, requested: None });
    plant.request(3);
    assert_eq!(plant.replicas().pending, 1, "those without a node go first");
    // Once there are nodes again they start, and are paid for.
    plant.trouble = None;
    plant.waiting = 0;
    plant.request(4);
    assert_eq!(plant.pass(20.0).paid, 60.0);
}

#[test]
fn what_waits_for_a_node_starts_as_soon_as_there_is_one() {
    let mut plant = plant(|settings| {
        settings.start_up = Duration::from_secs(60);
        settings.faults.node_shortage = Episodes { per_day: 50.0, lasts: Duration::from_secs(300) };
    });
    let mut lacked = 0;
    for _ in 0..10_000 {
        let before = plant.waiting;
        plant.request(5);
        plant.request(4);
        plant.request(5);
        let lacks = plant.trouble.as_ref().unwrap().lacks_nodes();
        assert!(lacks || plant.waiting == 0, "{before}");
        lacked += u32::from(lacks && plant.waiting > 0);
        plant.pass(0.0);
        plant.request(4);
    }
    assert!(lacked > 100, "{lacked}");
}

#[test]
fn an_outage_reads_as_nothing_or_as_zero_whatever_a_policy_did() {
    let outage = Episodes { per_day: 100.0, lasts: Duration::from_secs(120) };
    for (reads_zero, want) in [(false, Reading::Missing), (true, Reading::Average { average: 0.0 })]
    {
        let mut plants = [2, 6].map(|replicas| {
            let mut settings = Settings { missing: 0.0, ..Settings::default() };
            let fault = &mut settings.faults;
            *(if reads_zero { &mut fault.zero } else { &mut fault.missing }) = outage.clone();
            let mut plant = Plant::new(&settings, 10.0, Timestamp::from_secs(0), 4, 20.0);
            plant.request(replicas);
            plant
        });
        let mut n_out = 0;
        for _ in 0..2000 {
            let out = plants.each_mut().map(|plant| {
                let mut seen = Observation::default().metric("rps", None).metric("cpu", None);
                plant.observe(&mut seen);
                plant.pass(20.0);
                let zero = Reading::Total { total: 0.0 };
                let is_out = [Reading::Missing, zero].contains(&seen.metrics["rps"]);
                assert!(!is_out || seen.metrics["cpu"] == want);
                is_out
            });
            assert_eq!(out[0], out[1]);
            n_out += u32::from(out[0]);
        }
        assert!((200..1000).contains(&n_out), "{n_out}");
    }
}

/// Half of the starts take less than the median, 95 of 100 less than the 95th.
#[test]
fn log_normal_start_ups_have_the_quantiles_that_are_set() {
    let settings = Settings {
        start_up: Duration::from_secs(100),
        start_up_p95: Some(Duration::from_secs(300)),
        ..Settings::default()
    };
    let mut plant = Plant::new(&settings, 10.0, Timestamp::from_secs(0), 0, 0.0);
    let n_starts = 20_000;
    plant.request(n_starts);
    let longest = Timestamp::from_secs(0) + settings.longest_start_up();
    assert!(plant.starting.back().unwrap() <= &longest);
    let within = |second| {
        let at = Timestamp::from_secs(second);
        plant.starting.partition_point(|&ready| ready <= at) as f64 / f64::from(n_starts)
    };
    assert!((within(100) - 0.5).abs() < 0.02 && (within(300) - 0.95).abs() < 0.01);
}

#[test]
fn a_bill_rounds_each_replica_on_its_own() {
    let bill = |price: &str| {
        let mut plant = plant(|settings| {
            settings.stop = Duration::from_secs(0);
            settings.price = Some(serde_json::from_str(price).unwrap());
        });
        plant.request(5); // cancelled after a span
        plant.pass(20.0);
        plant.request(3); // one of the first four goes, after a span too
        plant.pass(20.0);
        plant.cost().unwrap()
    };
    let near = |cost: f64, want: f64| assert!((cost - want).abs() < 1e-12, "{cost} {want}");
    near(bill(r#"{"per_hour": 3600}"#), 2.0 * 15.0 + 3.0 * 30.0);
    near(bill(r#"{"per_hour": 3600, "minimum": "20s"}"#), 2.0 * 20.0 + 3.0 * 30.0);
    near(bill(r#"{"per_hour": 1, "increment": "1h"}"#), 5.0);
    assert_eq!(plant(|_| {}).cost(), None);
}

#[test]
fn the_draws_of_the_generator_stay_as_they_are() {
    let mut random = Pcg32::new(1, 1);
    let drawn = [normal(&mut random), normal(&mut random), uniform(&mut random)];
    assert!(drawn.iter().all(|number| number.is_finite()));
    let mut again = Pcg32::new(1, 1);
    assert_eq!(drawn[0].to_bits(), normal(&mut again).to_bits());
}
