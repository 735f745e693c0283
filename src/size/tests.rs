use super::*;

const DAY: i64 = 86_400;

fn sizer(text: &str) -> Sizer {
    Sizer::new(serde_json::from_str(text).expect("settings")).expect("settings in their range")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_767_600_000 + second)
}

fn sample(second: i64, millicores: f64, bytes: f64) -> Sample {
    Sample::at(at(second)).cpu_millicores(millicores).memory_bytes(bytes)
}

/// One sample an hour for so many days, busier at noon.
fn fed(sizer: &mut Sizer, days: i64) {
    for hour in 0..days * 24 {
        let busy = if hour % 24 == 12 { 800.0 } else { 200.0 };
        assert!(sizer.observe(&sample(hour * 3600, busy, busy * 1e6)).is_none());
    }
}

fn bounds(estimate: &Estimate) -> Bounds {
    estimate.bounds.unwrap_or_else(|| panic!("no amounts: {}", estimate.reason))
}

#[test]
fn without_samples_there_is_a_reason_and_no_number() {
    let mut sizer = sizer(r#"{"memory": {"controlled": false}}"#);
    let none = sizer.recommend(at(0));
    assert_eq!((none.cpu.bounds, none.cpu.reason.code()), (None, "no_samples"));
    assert_eq!((none.memory.bounds, none.memory.reason.code()), (None, "not_controlled"));
    assert_eq!(sizer.startup_cpu(&none, None), None);

    fed(&mut sizer, 1);
    let last = 23 * 3600;
    let expiry = 8 * DAY;
    assert!(sizer.recommend(at(last + expiry - 1)).cpu.bounds.is_some());
    let expired = sizer.recommend(at(last + expiry)).cpu;
    assert_eq!((expired.bounds, expired.reason.code()), (None, "samples_expired"));
}

#[test]
fn the_bounds_close_in_as_history_grows() {
    let mut sizer = sizer("{}");
    let mut before = i64::MAX;
    for day in [1, 2, 8] {
        fed_on(&mut sizer, day);
        let Bounds { lower, target, upper } = bounds(&sizer.recommend(at(day * DAY)).cpu);
        assert!(lower <= target && target <= upper, "{lower} {target} {upper}");
        assert!(upper < before, "day {day}: {upper}");
        before = upper;
    }
    // The first sample of all leaves the upper bound open.
    let mut young = Sizer::new(Config::default()).expect("the defaults");
    young.observe(&sample(0, 200.0, 2e8));
    let Bounds { lower, upper, .. } = bounds(&young.recommend(at(0)).cpu);
    assert_eq!((lower, upper), (25, amount::MOST));
}

/// One sample a minute up to the end of that day, on from what was there.
fn fed_on(sizer: &mut Sizer, day: i64) {
    let from = sizer.last.map_or(0, |last| last.since(at(0)).as_millis() / 60_000 + 1);
    for minute in from..day * 1440 {
        let busy = if minute % 10 == 0 { 800.0 } else { 200.0 };
        assert!(sizer.observe(&sample(minute * 60, busy, 3e8)).is_none());
    }
}

#[test]
fn bad_readings_are_refused_each_for_itself() {
    let mut sizer = sizer("{}");
    assert!(sizer.observe(&sample(60, 100.0, 1e8)).is_none());
    let before = sizer.clone();
    let code = |reason: Option<Reason>| reason.map(|reason| reason.code());
    for (sample, cpu, memory) in [
        (sample(120, f64::NAN, -1.0), Some("metric_invalid"), Some("metric_invalid")),
        (sample(120, f64::INFINITY, f64::NAN), Some("metric_invalid"), Some("metric_invalid")),
        (sample(0, 1.0, 1.0), Some("time_went_back"), Some("time_went_back")),
        (Sample::at(at(60)).cpu_millicores(1.0), Some("time_stood_still"), None),
        (Sample::at(at(0)), None, None),
    ] {
        let refused = sizer.observe(&sample);
        assert_eq!((code(refused.cpu), code(refused.memory)), (cpu, memory), "{sample:?}");
        assert_eq!(sizer, before, "{sample:?}");
    }
    let refused = sizer.observe(&sample(120, f64::NAN, 2e8));
    assert_eq!((code(refused.cpu), refused.memory), (Some("metric_invalid"), None));
    assert!(sizer.out_of_memory("", at(180), f64::NAN).is_err());
    assert!(sizer.out_of_memory("", at(180), -1.0).is_err());
    let late = sizer.out_of_memory("", at(120 - DAY - 1), 1e8).expect_err("too old");
    assert_eq!(late.code(), "out_of_memory_too_old");
}

#[test]
fn one_wrong_clock_among_right_ones_never_begins_anew() {
    let mut sizer = sizer("{}");
    fed(&mut sizer, 1);
    for hour in 24..48 {
        let wrong = sample(hour * 3600 + 30 * DAY, 900.0, 9e8).container("wrong");
        assert!(!sizer.observe(&wrong).is_none(), "hour {hour}");
        assert!(sizer.observe(&sample(hour * 3600, 200.0, 2e8)).is_none(), "hour {hour}");
    }
    assert_eq!(sizer.cpu.history.samples, 48);
}

#[test]
fn one_wrong_clock_far_ahead_changes_nothing_and_a_second_sample_there_begins_anew() {
    let mut sizer = sizer("{}");
    fed(&mut sizer, 2);
    let before = sizer.recommend(at(2 * DAY));
    let refused = sizer.observe(&sample(1000 * DAY, 5000.0, 5e9));
    assert_eq!(refused.cpu.map(|reason| reason.code()), Some("time_jumped_ahead"));
    assert_eq!(sizer.recommend(at(2 * DAY)), before);
    assert!(sizer.observe(&sample(2 * DAY, 200.0, 2e8)).is_none(), "the old clock goes on");

    assert!(!sizer.observe(&sample(1000 * DAY + 60, 400.0, 4e8)).is_none(), "doubted anew");
    assert!(sizer.observe(&sample(1000 * DAY + 120, 400.0, 4e8)).is_none(), "confirmed");
    let cpu = sizer.recommend(at(1000 * DAY + 120)).cpu;
    assert_eq!(cpu.reason.fact("n_samples"), Some(1.0));
}

#[test]
fn running_out_of_memory_raises_the_target_at_once() {
    let mut sizer = sizer("{}");
    fed(&mut sizer, 1);
    let now = at(DAY);
    let before = bounds(&sizer.recommend(now).memory).target;
    // 1.2 times the gigabyte that it requested, which is more than the 800 MB it used.
    sizer.out_of_memory("", now, 1e9).expect("it is new");
    let after = bounds(&sizer.recommend(now).memory).target;
    assert!(before < 1_000_000_000 && after >= 1_380_000_000, "{before} {after}");
}

#[test]
fn containers_of_one_workload_are_told_apart() {
    let mut sizer = sizer("{}");
    for pod in ["web-0", "web-1"] {
        let sample = sample(0, 100.0, 3e8).container(pod);
        assert!(sizer.observe(&sample).is_none(), "{pod}");
        assert!(sizer.observe(&sample).cpu.is_some(), "{pod} again");
    }
    assert_eq!(sizer.recommend(at(0)).cpu.reason.fact("n_samples"), Some(2.0));
    sizer.forget("web-0");
    assert!(sizer.observe(&sample(0, 100.0, 3e8).container("web-0")).is_none());
}

#[test]
fn the_containers_that_are_remembered_are_bounded() {
    let mut sizer = sizer("{}");
    for pod in 0..=Sizer::MOST_CONTAINERS as i64 {
        let sample = Sample::at(at(pod)).container(pod.to_string()).cpu_millicores(1.0);
        assert!(sizer.observe(&sample).is_none());
    }
    assert_eq!(sizer.containers.len(), Sizer::MOST_CONTAINERS);
    assert!(!sizer.containers.contains_key("0"), "silent for longest");
}

#[test]
fn floors_caps_and_steps_hold() {
    let settings = r#"{"n_containers": 5, "cpu": {"round_up_to": 100, "max_allowed": 350},
        "memory": {"min_allowed": 90000000, "round_up_to": 1048576}}"#;
    let mut sizer = sizer(settings);
    sizer.observe(&sample(0, 210.0, 1.0));
    sizer.observe(&sample(60, 210.0, 1.0));
    let size = sizer.recommend(at(60));
    // 210 lie in the bucket that ends at 215.78 millicores; and 15 %, 247.
    assert_eq!(bounds(&size.cpu), Bounds { lower: 100, target: 300, upper: 350 });
    // A fifth of 250 MiB is 50 MiB, less than what is allowed.
    assert_eq!(bounds(&size.memory).target, 90_000_000);
}

#[test]
fn a_starting_container_gets_more_cpu_than_allowed_and_no_more_memory() {
    let mut sizer = sizer(
        r#"{"cpu": {"max_allowed": 200},
            "startup_boost": {"type": "quantity", "cpu_millicores": 300, "duration": "10s"}}"#,
    );
    sizer.observe(&sample(0, 900.0, 3e8));
    let size = sizer.recommend(at(0));
    let ready = |seconds: u32| Some(Duration::from_secs(seconds));
    assert_eq!(sizer.startup_cpu(&size, None), Some(500));
    assert_eq!(sizer.startup_cpu(&size, ready(9)), Some(500));
    assert_eq!(sizer.startup_cpu(&size, ready(10)), Some(200));
}

#[test]
fn a_snapshot_at_any_sample_changes_nothing_later() {
    let mut whole = sizer(r#"{"cpu_sample_weight": "request", "memory_interval": "1h"}"#);
    let mut cut = whole.clone();
    for step in 0..600_i64 {
        let load = (step * 37 % 101) as f64;
        let pod = format!("web-{}", step % 3);
        let sample = sample(step * 700, load * 9.7, load * 1.1e7)
            .container(&*pod)
            .cpu_request_millicores(load * 20.0);
        cut = Sizer::restore(&cut.snapshot().expect("a snapshot")).expect("its own snapshot");
        for twin in [&mut whole, &mut cut] {
            twin.observe(&sample);
            if step % 50 == 0 {
                twin.out_of_memory(&pod, at(step * 700 + 1), 1e9).expect("it is new");
            }
        }
        assert_eq!(cut, whole, "step {step}");
    }
    assert_eq!(cut.recommend(at(600 * 700)), whole.recommend(at(600 * 700)));
}

#[test]
fn a_snapshot_that_is_damaged_or_foreign_is_refused() {
    let mut sizer = sizer("{}");
    fed(&mut sizer, 1);
    let text = String::from_utf8(sizer.snapshot().expect("a snapshot")).expect("text");
    assert!(Sizer::restore(text.as_bytes()).is_ok());
    for (part, other) in [
        ("forescale sizer", "forescale snapshot"),
        ("\"version\":1", "\"version\":2"),
        ("\"margin\":0.15", "\"margin\":-1.0"),
        ("\"ratio\":1.05", "\"ratio\":1.06"),
        ("\"peak\":800000000.0", "\"peak\":-8.0"),
        ("\"last\":", "\"least\":"),
    ] {
        let damaged = text.replacen(part, other, 1);
        assert_ne!(damaged, text, "{part}");
        let error = Sizer::restore(damaged.as_bytes()).expect_err(part);
        assert_eq!(error.kind(), crate::ErrorKind::Snapshot, "{part}: {error}");
    }
    assert!(Sizer::restore(&text.as_bytes()[..text.len() / 2]).is_err());
}

#[test]
fn a_checkpoint_leaves_out_the_peak_that_comes_again() {
    let mut sizer = sizer("{}");
    fed(&mut sizer, 3);
    let now = at(3 * DAY - 3600);
    let open = sizer.checkpoint(now);
    let closed = sizer.checkpoint(at(4 * DAY));
    // Two closed days of 800 MB and an open one of 800 MB.
    assert_eq!(open.memory_histogram.bucket_weights.len(), 1);
    assert!(open.memory_histogram.total_weight < closed.memory_histogram.total_weight);
    assert_eq!(open.total_samples_count, 72);

    let twin = Sizer::from_checkpoint(Config::default(), &open).expect("a checkpoint");
    assert_eq!(twin.recommend(now).cpu, sizer.recommend(now).cpu);
    let other = VpaCheckpoint { version: "v2".to_owned(), ..open };
    assert!(Sizer::from_checkpoint(Config::default(), &other).is_err());
}

#[test]
fn a_container_is_resized_when_it_must_or_when_it_pays() {
    let mut sizer = sizer("{}");
    fed_on(&mut sizer, 8);
    let wanted = sizer.recommend(at(8 * DAY));
    let (cpu, memory) = (bounds(&wanted.cpu), bounds(&wanted.memory));
    let judge = |cpu: i64, hours: u32, oom: Option<u32>| {
        let running = Running {
            requested: Amounts { cpu: Some(cpu), memory: Some(memory.target) },
            age: Duration::from_secs(hours * 3600),
            ran_out_of_memory_after: oom.map(Duration::from_secs),
        };
        let update = UpdateRule::default().judge(&wanted, &running);
        (update.needed, update.reason.code())
    };
    let off = cpu.target * 100 / 90; // a tenth less is wanted, rounded to the safe side
    let far = off + 2;
    for (request, hours, oom, want) in [
        (cpu.target, 100, None, (false, "request_fits")),
        (far, 11, None, (false, "request_fits")),
        (far, 12, None, (true, "request_off_target")),
        (cpu.target + 1, 12, None, (false, "request_fits")),
        (cpu.upper + 1, 0, None, (true, "request_out_of_bounds")),
        (cpu.lower - 1, 0, None, (true, "request_out_of_bounds")),
        (far, 0, Some(599), (true, "out_of_memory_soon")),
        (far, 0, Some(600), (false, "request_fits")),
        (cpu.target, 0, Some(599), (false, "request_fits")),
    ] {
        assert_eq!(judge(request, hours, oom), want, "{request} after {hours} h, {oom:?}");
    }
}

#[test]
fn the_memory_alone_can_be_sized() {
    let mut sizer = sizer("{}");
    for minute in 0..=2880 {
        assert!(sizer.observe(&Sample::at(at(minute * 60)).memory_bytes(4e8)).is_none());
    }
    let size = sizer.recommend(at(2 * DAY));
    assert_eq!(size.cpu.reason.code(), "no_samples");
    assert_eq!(size.memory.reason.fact("confidence"), Some(2.0));
    let Bounds { target, upper, .. } = bounds(&size.memory);
    assert_eq!(upper, target * 3 / 2);
}

#[test]
fn no_number_and_no_time_is_too_large() {
    let mut sizer = sizer(r#"{"cpu_sample_weight": "request"}"#);
    for millis in [0, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1, 5, i64::MAX] {
        let at = Timestamp::from_millis(millis);
        for number in [f64::MAX, f64::INFINITY, 1e14, 0.0, 5e-324] {
            let sample = Sample::at(at).cpu_millicores(number).memory_bytes(number);
            sizer.observe(&sample.cpu_request_millicores(number));
            let _ = sizer.out_of_memory("", at, number);
        }
        for now in [at, Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX)] {
            let size = sizer.recommend(now);
            for bounds in [size.cpu.bounds, size.memory.bounds].into_iter().flatten() {
                let Bounds { lower, target, upper } = bounds;
                assert!((0..=target).contains(&lower) && upper >= target, "{bounds:?}");
            }
        }
        assert_eq!(Sizer::restore(&sizer.snapshot().expect("one")), Ok(sizer.clone()));
    }
}
