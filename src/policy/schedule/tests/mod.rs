//! What a schedule asks for, when, and which settings are refused.

mod clock;

use serde_json::{Value, json};

use super::*;
use crate::policy::PolicyConfig;
use crate::series::Observation;

fn built(settings: Value) -> Result<Schedule, Error> {
    let settings: Config = serde_json::from_value(settings).expect("well-formed settings");
    Schedule::new(settings)
}

fn refusal(settings: Value) -> String {
    built(settings).expect_err("must be refused").to_string()
}

fn cron(pattern: &str, time_zone: &str, duration: &str) -> Schedule {
    let settings =
        json!({"cron": pattern, "time_zone": time_zone, "duration": duration, "replicas": 9});
    built(settings).expect("a good schedule")
}

fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time with an offset");
    Timestamp::from_millis(time.as_millisecond())
}

/// Whether it is open, each time asked of a fresh schedule so that no cache can help or hurt.
fn is_open(schedule: &Schedule, text: &str) -> bool {
    let mut fresh = Schedule::new(schedule.settings.clone()).expect("good settings");
    fresh.open_until(time(text)).is_some()
}

/// A minute before it must be closed, at the text it must be open.
fn assert_starts(schedule: &Schedule, text: &str) {
    let mut fresh = schedule.clone();
    let at = time(text);
    assert!(fresh.open_until(at).is_some(), "{text} must be open");
    assert_eq!(fresh.open_until(at - Duration::from_millis(1)), None, "before {text}");
}

fn proposed(schedule: &mut Schedule, at: Timestamp) -> Result<Proposal, Reason> {
    let observation = Observation::at(at);
    schedule.propose(&View::alone(&observation, &[]))
}

#[test]
fn a_window_is_open_from_its_start_to_just_before_its_end() {
    let schedule = cron("0 8 * * mon-fri", "Europe/Berlin", "10h");
    assert_starts(&schedule, "2026-01-05T08:00+01:00");
    assert!(is_open(&schedule, "2026-01-05T17:59:59.999+01:00"));
    assert!(!is_open(&schedule, "2026-01-05T18:00+01:00"));
    assert_starts(&schedule, "2026-07-10T08:00+02:00"); // a Friday in summer
    assert!(!is_open(&schedule, "2026-07-11T08:00+02:00")); // and the Saturday
}

#[test]
fn a_proposal_is_a_range_with_its_reason() {
    let at = time("2026-01-05T08:00:00.5Z");
    let cases = [
        (json!({"min_replicas": 3, "rank": 7}), (Some(3), None), "schedule_floor", "at least 3"),
        (json!({"max_replicas": 5, "rank": 7}), (None, Some(5)), "schedule_cap", "at most 5"),
        (json!({"replicas": 4, "rank": 7}), (Some(4), Some(4)), "schedule_exact", "exactly 4"),
        (
            json!({"min_replicas": 3, "max_replicas": 5, "rank": 7}),
            (Some(3), Some(5)),
            "schedule_active",
            "3 to 5",
        ),
    ];
    for (mut settings, (min, max), code, text) in cases {
        settings["cron"] = "0 8 * * *".into();
        settings["duration"] = "60s".into();
        let mut schedule = built(settings).expect("good settings");
        let proposal = proposed(&mut schedule, at).expect("an open window");
        assert_eq!(proposal.want, Want::Range { min, max, rank: 7 });
        assert_eq!(proposal.reason.code(), code);
        let want = format!("the schedule asks for {text} replicas for another 59.5 s");
        assert_eq!(proposal.reason.to_string(), want);
        let reason = proposed(&mut schedule, at + Duration::from_secs(60)).expect_err("closed");
        assert_eq!(reason.code(), "schedule_inactive");
    }
}

#[test]
fn a_start_that_the_clock_skips_happens_when_the_clock_goes_on() {
    for (zone, start) in [
        ("Europe/Berlin", "2026-03-29T03:00+02:00"),
        ("America/New_York", "2026-03-08T03:00-04:00"),
    ] {
        // More than one hour named: croner would skip the start.
        for pattern in ["30 2 * * *", "0,30 2 * * *", "30 2,14 * * *"] {
            assert_starts(&cron(pattern, zone, "20m"), start);
        }
        // A pattern for every hour has its next start when that comes.
        let hourly = cron("30 * * * *", zone, "20m");
        assert!(!is_open(&hourly, start), "{zone}");
    }
}

#[test]
fn a_start_that_comes_twice_happens_the_first_time() {
    for (zone, first, second) in [
        ("Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
        ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00"),
    ] {
        for pattern in ["30 1,2 * * *", "0,30 1-2 * * *"] {
            let schedule = cron(pattern, zone, "20m");
            assert_starts(&schedule, first);
            assert!(!is_open(&schedule, second), "{pattern} in {zone}");
        }
        let hourly = cron("30 * * * *", zone, "20m");
        assert_starts(&hourly, first);
        assert_starts(&hourly, second);
    }
}

#[test]
fn a_duration_is_elapsed_time() {
    // 22:00 to 6:00 by the clock, but the night is an hour shorter or longer.
    let night = cron("0 22 * * *", "Europe/Berlin", "8h");
    assert!(is_open(&night, "2026-03-29T06:59+02:00"));
    assert!(!is_open(&night, "2026-03-29T07:00+02:00"));
    assert!(is_open(&night, "2026-10-25T04:59+01:00"));
    assert!(!is_open(&night, "2026-10-25T05:00+01:00"));
}

#[test]
fn overlapping_windows_stay_open_and_the_latest_counts() {
    let mut schedule = cron("0 0 * * *", "UTC", "36h");
    let until = |schedule: &mut Schedule, text| schedule.open_until(time(text));
    assert_eq!(until(&mut schedule, "2026-05-01T23:59Z"), Some(time("2026-05-02T12:00Z")));
    assert_eq!(until(&mut schedule, "2026-05-02T00:00Z"), Some(time("2026-05-03T12:00Z")));
    assert_eq!(until(&mut schedule, "2026-05-01T00:00Z"), Some(time("2026-05-02T12:00Z")));
}

#[test]
fn days_that_are_rare_or_last_are_found() {
    let leap = cron("0 9 29 2 *", "Asia/Tokyo", "1h");
    assert_starts(&leap, "2024-02-29T09:00+09:00");
    assert_starts(&leap, "2028-02-29T09:00+09:00");
    assert!(!is_open(&leap, "2026-02-28T09:00+09:00") && !is_open(&leap, "2026-03-01T09:00+09:00"));
    assert_starts(&leap, "2096-02-29T09:00+09:00");
    assert!(!is_open(&leap, "2100-03-01T09:00+09:00"));
    assert_starts(&leap, "2104-02-29T09:00+09:00");

    let month_end = cron("0 9 L * *", "UTC", "1h");
    for text in ["2026-02-28T09:00Z", "2028-02-29T09:00Z", "2026-04-30T09:00Z", "2026-12-31T09:00Z"]
    {
        assert_starts(&month_end, text);
    }
    assert!(!is_open(&month_end, "2026-12-30T09:00Z") && !is_open(&month_end, "2028-02-28T09:00Z"));

    let second_tuesday = cron("0 9 * * tue#2", "UTC", "1h");
    assert_starts(&second_tuesday, "2026-05-12T09:00Z");
    assert!(!is_open(&second_tuesday, "2026-05-05T09:00Z"));
    assert!(!is_open(&second_tuesday, "2026-05-19T09:00Z"));
}

#[test]
fn a_day_that_a_zone_left_out_starts_with_the_next() {
    // Samoa went from the 29th to the 31st of December 2011.
    assert_starts(&cron("0 8 30 12 *", "Pacific/Apia", "1h"), "2011-12-31T00:00+14:00");
}

#[test]
fn dated_windows_are_open_between_their_dates() {
    let mut schedule = built(json!({
        "time_zone": "Europe/Berlin", "min_replicas": 4,
        "windows": [
            {"start": "2026-12-31", "end": "2027-01-02T00:00"},
            {"start": "2026-12-24T08:00", "end": "2026-12-26T00:00"},
            {"start": "2026-12-25T23:00Z", "end": "2026-12-27T00:00-05:00"},
            {"start": "2026-12-25T12:00", "end": "2026-12-25T13:00"},
        ],
    }))
    .expect("good settings");
    // The second, the third (from 0:00 here, so that they touch) and the last are one.
    let (start, end) = (time("2026-12-24T08:00+01:00"), time("2026-12-27T06:00+01:00"));
    let just = Duration::from_millis(1);
    assert_eq!(schedule.open_until(start - just), None);
    for inside in [start, time("2026-12-25T13:30Z"), time("2026-12-25T23:00Z"), end - just] {
        assert_eq!(schedule.open_until(inside), Some(end));
    }
    assert_eq!(schedule.open_until(end), None);
    let new_year = time("2027-01-02T00:00+01:00");
    assert_eq!(schedule.open_until(time("2026-12-31T00:00+01:00")), Some(new_year));
    assert_eq!(schedule.open_until(new_year), None);
    assert_eq!(schedule.open_until(Timestamp::from_millis(i64::MAX)), None);
    assert_eq!(schedule.open_until(start), Some(end));
}

#[test]
fn dated_windows_read_skipped_and_doubled_times_as_compatible() {
    let mut schedule = built(json!({
        "time_zone": "Europe/Berlin", "replicas": 4,
        "windows": [
            {"start": "2026-03-29T02:30", "end": "2026-03-29T04:00"},
            {"start": "2026-10-25T02:30", "end": "2026-10-25T03:00"},
        ],
    }))
    .expect("good settings");
    let just = Duration::from_millis(1);
    for (start, end) in [
        ("2026-03-29T03:30+02:00", "2026-03-29T04:00+02:00"),
        ("2026-10-25T02:30+02:00", "2026-10-25T03:00+01:00"),
    ] {
        assert_eq!(schedule.open_until(time(start) - just), None);
        assert_eq!(schedule.open_until(time(start)), Some(time(end)));
    }
}

#[test]
fn times_outside_the_calendar_are_closed() {
    let mut yearly = cron("0 0 1 1 *", "America/New_York", "366d");
    let open = time("2026-06-01T00:00Z");
    for millis in [i64::MIN, i64::MAX, -400_000_000_000_000, 250_000_000_000_000] {
        assert_eq!(yearly.open_until(Timestamp::from_millis(millis)), None);
        assert!(yearly.open_until(open).is_some());
    }
    // The ends of jiff's range and of croner's: no answer matters there, but none may panic.
    let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    let ends = [first, last].map(|end| Timestamp::from_millis(end.as_millisecond()));
    for end in ends.into_iter().chain(["0001-01-01T00:00Z", "5000-12-31T23:59Z"].map(time)) {
        for days in [-2, -1, 0, 1, 2] {
            yearly.open_until(Timestamp::from_millis(end.as_millis() + days * 86_400_000));
        }
    }
}

#[test]
fn bad_settings_are_refused_with_what_is_allowed() {
    let good = json!({"cron": "0 8 * * *", "duration": "1h", "replicas": 1});
    let with = |key: &str, value: Value| {
        let mut settings = good.clone();
        settings[key] = value;
        refusal(settings)
    };
    let five = "must be five fields of cron such as \"0 8 * * mon-fri\"";
    for bad in ["", "soon", "0 8 * *", "*/5 * * * * *", "60 8 * * *", "0 8 * * mun", "0 8 0 * *"] {
        let message = with("cron", bad.into());
        assert!(message.starts_with(&format!("`cron` is \"{bad}\", {five} (")), "{message}");
    }
    for never in ["0 0 30 2 *", "0 0 31 4,6 *"] {
        let message = with("cron", never.into());
        assert!(message.ends_with("must name a date that comes, this one never does"), "{message}");
    }
    for (zone, hint) in [
        ("Europe/Berlim", "; did you mean `Europe/Berlin`?"),
        ("berlin", "; did you mean `Europe/Berlin`?"),
        ("+02:00", ""),
        ("", ""),
    ] {
        let want = format!(
            "`time_zone` is \"{zone}\", must be an IANA name such as \"Europe/Berlin\"{hint}"
        );
        assert_eq!(with("time_zone", zone.into()), want);
    }
    let length = "must be above zero and at most 366d";
    assert_eq!(with("duration", "0s".into()), format!("`duration` is 0s, {length}"));
    assert_eq!(with("duration", "367d".into()), format!("`duration` is 367d, {length}"));
    assert!(with("duration", Value::Null).starts_with("`duration` is missing"));
    assert!(with("cron", Value::Null).starts_with("`cron` is missing"));
    assert!(with("replicas", Value::Null).starts_with("asks for nothing"));
    assert!(with("max_replicas", 3.into()).starts_with("`replicas` is 1, must stand without"));
    let day = json!([{"start": "2026-12-24", "end": "2026-12-25"}]);
    assert!(with("windows", day).starts_with("`windows` is given, must stand without `cron`"));
    let upside_down = json!({
        "cron": "0 8 * * *", "duration": "1h", "min_replicas": 3, "max_replicas": 2
    });
    assert_eq!(refusal(upside_down), "`min_replicas` is 3, must be at most `max_replicas`, 2");

    let dated = |windows: Value| refusal(json!({"windows": windows, "replicas": 1}));
    assert_eq!(dated(json!([])), "`windows` is empty, must have at least one window");
    let early = json!([
        {"start": "2026-12-24", "end": "2026-12-25"}, {"start": "2026-12-24", "end": "2026-12-24"}
    ]);
    let want = "`windows[1].end` is \"2026-12-24\", must be after `start`, \"2026-12-24\"";
    assert_eq!(dated(early), want);
    for bad in ["Christmas", "2026-02-30", "08:00", "2026-12-24T08:00[Europe/Paris]"] {
        let message = dated(json!([{"start": bad, "end": "2027-01-01"}]));
        let want = format!("`windows[0].start` is \"{bad}\", must be a date and time such as");
        assert!(message.starts_with(&want), "{message}");
    }
}

#[test]
fn the_catalog_knows_it_and_a_snapshot_keeps_it() {
    let text = r#"{"kind": "schedule", "name": "lunch", "cron": "0 12 * * *", "duration": "1h",
                   "min_replicas": 2}"#;
    let settings: PolicyConfig = serde_json::from_str(text).expect("a known kind");
    let mut policy = settings.build().expect("good settings");
    let saved = policy.save().expect("a snapshot");
    let restored: Schedule = serde_json::from_value(saved.clone()).expect("its own snapshot");
    assert_eq!(restored.name(), Some("lunch"));
    assert_eq!(serde_json::to_value(&restored).expect("a snapshot"), saved);
    let mut damaged = saved;
    damaged["cron"] = "never".into();
    assert!(policy.load(damaged).is_err());
}
