use super::*;

fn guard(settings: &str) -> Rate {
    Rate::new(serde_json::from_str(settings).unwrap()).unwrap()
}

/// Acts on each answer, as a host does.
fn follow(guard: &mut Rate, diary: &[(i64, u32, u32, u32)]) {
    for &(second, current, proposed, want) in diary {
        let at = Timestamp::from_secs(second);
        let (replicas, reason) = guard.hold(at, current, proposed);
        assert_eq!(replicas, want, "at {second} s");
        assert_eq!(reason.is_some(), replicas != proposed, "at {second} s");
        guard.decided(at, current, replicas);
    }
}

#[test]
fn a_budget_is_spent_and_comes_back_after_its_period() {
    let mut guard = guard(r#"{"scale_up": [{"replicas": 4, "period": "1m"}]}"#);
    //                   second, current, proposed -> replicas
    follow(&mut guard, &[(0, 10, 30, 14), (15, 14, 30, 14), (59, 14, 30, 14), (60, 14, 30, 18)]);
}

#[test]
fn shrinking_has_its_own_limits_and_can_be_forbidden() {
    let mut slow = guard(r#"{"scale_down": [{"percent": 10, "period": "1m"}]}"#);
    follow(&mut slow, &[(0, 100, 20, 90), (30, 90, 20, 90), (60, 90, 20, 81)]);
    let mut never = guard(r#"{"select_scale_down": "disabled"}"#);
    follow(&mut never, &[(0, 100, 20, 100), (3600, 100, 0, 100), (3615, 100, 120, 120)]);
}

#[test]
fn a_clock_set_back_by_a_year_gives_the_budget_back_in_time() {
    let mut guard = guard(r#"{"scale_up": [{"replicas": 4, "period": "1m"}]}"#);
    let year = 31_557_600;
    follow(&mut guard, &[(year, 10, 30, 14), (0, 14, 30, 14), (60, 14, 30, 18)]);
}

#[test]
fn the_names_of_kubernetes_are_understood() {
    let theirs = r#"{"scale_up": [{"type": "Percent", "value": 50, "periodSeconds": 30}],
        "select_scale_up": "Min"}"#;
    let ours = r#"{"scale_up": [{"percent": 50, "period": "30s"}], "select_scale_up": "min"}"#;
    assert_eq!(guard(theirs), guard(ours));
}

#[test]
fn settings_that_limit_nothing_or_twice_are_refused() {
    let read = |text: &str| serde_json::from_str::<Config>(text).map_err(|error| error.to_string());
    for limit in [
        r#"{"period": "15s"}"#,
        r#"{"percent": 100, "replicas": 4, "period": "15s"}"#,
        r#"{"type": "Pods", "period": "15s"}"#,
    ] {
        let error = read(&format!(r#"{{"scale_up": [{limit}]}}"#)).unwrap_err();
        assert!(error.contains("either `percent` or `replicas`"), "{error}");
    }
    assert!(read(r#"{"scale_up": [{"percent": -5, "period": "15s"}]}"#).is_err());
    let error = Rate::new(read(r#"{"scale_down": []}"#).unwrap()).unwrap_err();
    assert!(error.to_string().contains("`scale_down` is empty"), "{error}");
}

#[test]
fn a_saved_guard_is_restored_whole() {
    use crate::Saved;
    let mut one = guard(r#"{"scale_up": [{"replicas": 4, "period": "1m"}]}"#);
    one.decided(Timestamp::from_secs(5), 2, 6);
    let mut other = guard("{}");
    other.load(one.save().unwrap()).unwrap();
    assert_eq!(one, other);
}

#[test]
fn extreme_counts_do_not_overflow() {
    let mut guard = guard(
        r#"{"scale_up": [{"percent": 4294967295, "period": 0}],
            "scale_down": [{"percent": 4294967295, "period": 0}]}"#,
    );
    let at = Timestamp::from_millis(i64::MAX);
    assert_eq!(guard.hold(at, u32::MAX - 1, u32::MAX).0, u32::MAX);
    assert_eq!(guard.hold(at, u32::MAX, 0).0, 0);
}
