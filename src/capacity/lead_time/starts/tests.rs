use super::*;

/// What starts told, in seconds: longer than, not longer than, replicas.
type Told = Vec<(f64, f64, u32)>;

const MOST: Duration = Duration::from_secs(600);

/// A look: second, ready, pending, the size asked for if it is shown, and what is decided then.
type Line = (i64, u32, u32, Option<u32>, Option<u32>);

fn told(lines: &[Line]) -> Told {
    let (mut starts, mut told) = (Starts::default(), Told::new());
    for &(second, ready, pending, requested, decided) in lines {
        let at = Timestamp::from_secs(second);
        let replicas = Replicas { ready, pending, requested };
        starts.see(at, replicas, MOST, |start| {
            told.push((start.least.as_secs_f64(), start.most.as_secs_f64(), start.n));
        });
        if let Some(replicas) = decided {
            starts.decided(at, replicas);
        }
        // Whatever happens, a snapshot is taken up.
        let text = serde_json::to_string(&starts).expect("a snapshot");
        assert_eq!(serde_json::from_str::<Starts>(&text).expect("its own"), starts);
    }
    told
}

#[test]
fn several_in_flight_are_matched_in_the_order_in_which_they_were_asked_for() {
    let lines = [
        (0, 2, 0, None, Some(4)),
        (15, 2, 2, None, Some(5)),
        (30, 2, 3, None, Some(5)),
        (45, 3, 2, None, Some(5)),
        (60, 5, 0, None, Some(5)),
    ];
    assert_eq!(told(&lines), [(30.0, 45.0, 1), (45.0, 60.0, 1), (30.0, 45.0, 1)]);
}

#[test]
fn a_host_that_does_not_show_what_is_pending_tells_the_same() {
    let lines = [
        (0, 2, 0, None, Some(4)),
        (15, 2, 0, None, Some(4)),
        (30, 2, 0, None, Some(4)),
        (45, 4, 0, None, Some(4)),
    ];
    assert_eq!(told(&lines), [(30.0, 45.0, 2)]);
}

#[test]
fn what_others_decide_is_known_between_two_looks() {
    // Nobody acts on our decisions; the size asked for is seen to rise between 0 and 15 seconds.
    let lines = [
        (0, 2, 0, Some(2), None),
        (15, 2, 2, Some(4), None),
        (30, 4, 0, Some(4), None),
        (45, 6, 0, Some(6), None), // asked for and ready within one interval
    ];
    assert_eq!(told(&lines), [(0.0, 30.0, 2), (0.0, 15.0, 2)]);
    // Without the size asked for, what is seen only when it is ready tells nothing.
    let lines = [
        (0, 2, 0, None, None),
        (15, 2, 2, None, None),
        (30, 4, 0, None, None),
        (45, 6, 0, None, None),
    ];
    assert_eq!(told(&lines), [(0.0, 30.0, 2)]);
}

#[test]
fn what_was_starting_at_the_first_look_tells_nothing() {
    assert_eq!(told(&[(0, 2, 3, None, Some(5)), (15, 5, 0, None, Some(5))]), []);
}

#[test]
fn a_scale_down_takes_the_youngest_and_tells_nothing() {
    let lines = [
        (0, 2, 0, None, Some(4)),
        (15, 2, 2, None, Some(6)),
        (30, 2, 4, None, Some(3)), // two of 0 s and two of 15 s: one of 0 s stays
        (45, 3, 0, None, Some(1)),
        (60, 1, 0, None, Some(1)),
        (75, 1, 0, None, Some(2)),
        (90, 2, 0, None, Some(2)),
    ];
    assert_eq!(told(&lines), [(30.0, 45.0, 1), (0.0, 15.0, 1)]);
}

#[test]
fn replicas_that_crash_and_come_back_tell_nothing() {
    let lines = [
        (0, 4, 0, None, Some(6)),
        (15, 3, 3, None, Some(6)), // one of the four is lost while two start
        (30, 4, 2, None, Some(6)), // which of the three it is, nobody knows
        (45, 6, 0, None, Some(6)),
        (60, 5, 1, None, Some(7)), // and again; the new one may be taken for it
        (75, 6, 1, None, Some(7)),
        (90, 7, 0, None, Some(7)),
    ];
    assert_eq!(told(&lines), []);
}

#[test]
fn replicas_that_never_come_are_never_a_length() {
    let mut lines = vec![(0, 2, 0, None, Some(4))];
    lines.extend((1..50).map(|look| (15 * look, 2, 2, None, Some(4))));
    // They are overdue; of five more two may be they, so three tell.
    lines.push((750, 2, 2, None, Some(9)));
    lines.push((765, 2, 7, None, Some(9)));
    lines.push((780, 4, 5, None, Some(9)));
    lines.push((795, 7, 2, None, Some(9)));
    lines.push((810, 9, 0, None, Some(9)));
    assert_eq!(told(&lines), [(30.0, 45.0, 3)]);
}

#[test]
fn what_may_have_taken_longer_than_the_most_tells_nothing() {
    let gap = [(0, 2, 0, None, Some(4)), (15, 2, 2, None, Some(4)), (3600, 4, 0, None, Some(4))];
    assert_eq!(told(&gap), []);
    let others = [(0, 2, 0, Some(2), None), (3600, 4, 0, Some(4), None)];
    assert_eq!(told(&others), []);
}

#[test]
fn many_launches_are_kept_in_bounded_memory() {
    let (mut starts, mut n) = (Starts::default(), 0);
    for look in 0..200 {
        let at = Timestamp::from_secs(look);
        let replicas = Replicas { ready: 1, pending: look as u32, requested: None };
        starts.see(at, replicas, MOST, |start| n += start.n);
        starts.decided(at, look as u32 + 2);
    }
    assert_eq!((starts.launches.len(), starts.n_starting()), (Starts::MOST, 200));
    let all = Replicas { ready: 201, pending: 0, requested: None };
    starts.see(Timestamp::from_secs(200), all, MOST, |start| n += start.n);
    assert_eq!(n, 0, "137 count as one launch that tells nothing, and may come for the others");
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let look = r#"{"at": 9, "ready": 1, "current": 1, "asked": 2}"#;
    let launch = r#"{"from": 5, "to": 9, "n": 1, "of": 1, "tells": true}"#;
    let text = |look: &str, launch: &str| format!(r#"{{"last": {look}, "launches": [{launch}]}}"#);
    assert!(serde_json::from_str::<Starts>(&text(look, launch)).is_ok());
    for text in [
        text("null", launch),
        text(look, &launch.replace(r#""n": 1"#, r#""n": 0"#)),
        text(look, &launch.replace(r#""n": 1"#, r#""n": 2"#)),
        text(look, &launch.replace(r#""to": 9"#, r#""to": 4"#)),
        text(look, &[launch; 65].join(",")),
    ] {
        assert!(serde_json::from_str::<Starts>(&text).is_err(), "{text}");
    }
}
