//! Which window is open when, what it asks for, and which settings are refused.

use serde_json::{Value, json};

use super::*;
use crate::catalog::Saved;
use crate::policy::PolicyConfig;
use crate::series::Observation;
use crate::time::Duration;

fn built(settings: Value) -> Result<Calendar, Error> {
    Calendar::new(serde_json::from_value(settings).expect("well-formed settings"))
}

/// A calendar whose n-th entry asks for n + 1 to 20 replicas.
fn calendar(zone: &str, entries: Value) -> Calendar {
    let mut entries = entries;
    for (place, entry) in entries.as_array_mut().expect("a list").iter_mut().enumerate() {
        entry["min_replicas"] = (place + 1).into();
        entry["max_replicas"] = 20.into();
    }
    built(json!({"time_zone": zone, "entries": entries})).expect("a good calendar")
}

fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time with an offset");
    Timestamp::from_millis(time.as_millisecond())
}

/// The open entry at each time, asked of one calendar in this order and of a fresh one.
fn assert_open(calendar: &Calendar, diary: &[(&str, Option<usize>)]) {
    let mut used = calendar.clone();
    for &(text, want) in diary {
        assert_eq!(used.open_entry(time(text)), want, "{text}");
        assert_eq!(calendar.clone().open_entry(time(text)), want, "{text}, asked afresh");
    }
}

/// A millisecond before it another one is open.
fn assert_changes(calendar: &Calendar, text: &str, before: Option<usize>, after: Option<usize>) {
    let at = time(text);
    assert_eq!(calendar.clone().open_entry(at - Duration::from_millis(1)), before, "before {text}");
    assert_eq!(calendar.clone().open_entry(at), after, "{text}");
}

fn proposed(calendar: &mut Calendar, text: &str) -> Result<(Want, &'static str), Reason> {
    let at = time(text);
    let observation = Observation::at(at).ready(3);
    let proposal = calendar.propose(&View::alone(&observation, &[]))?;
    assert!(!proposal.reason.to_string().contains('{'), "{}", proposal.reason);
    Ok((proposal.want, proposal.reason.code()))
}

fn range(min: u32, max: u32) -> Want {
    Want::Range { min: Some(min), max: Some(max), rank: 0 }
}

/// The picture of Cloud Foundry's documentation: the second is dropped whole, so the third is kept.
#[test]
fn the_earlier_start_is_kept_and_the_later_dropped_whole() {
    let calendar = calendar(
        "UTC",
        json!([
            {"start_time": "10:00", "end_time": "16:00"},
            {"start_time": "14:00", "end_time": "18:00"},
            {"start_time": "08:00", "end_time": "12:00"},
        ]),
    );
    assert_open(
        &calendar,
        &[
            ("2026-01-05T07:59:59Z", None),
            ("2026-01-05T08:00:00Z", Some(2)),
            ("2026-01-05T11:59:59Z", Some(2)),
            ("2026-01-05T12:00:00Z", None),
            ("2026-01-05T13:59:59Z", None),
            ("2026-01-05T14:00:00Z", Some(1)),
            ("2026-01-05T17:59:59Z", Some(1)),
            ("2026-01-05T18:00:00Z", None),
            ("2026-01-06T08:00:00Z", Some(2)),
            ("2026-01-05T15:00:00Z", Some(1)), // the clock goes back
        ],
    );
}

#[test]
fn a_window_that_touches_another_is_kept_and_of_two_that_start_at_once_the_first_listed() {
    let calendar = calendar(
        "UTC",
        json!([
            {"start_time": "08:00", "end_time": "09:00"},
            {"start_time": "08:00", "end_time": "12:00"},
            {"start_time": "09:00", "end_time": "24:00"},
            {"start_time": "00:00", "end_time": "08:00"},
        ]),
    );
    assert_changes(&calendar, "2026-01-05T08:00:00Z", Some(3), Some(0));
    assert_changes(&calendar, "2026-01-05T09:00:00Z", Some(0), Some(2));
    assert_changes(&calendar, "2026-01-06T00:00:00Z", Some(2), Some(3));
}

#[test]
fn a_window_by_date_drops_what_starts_within_it_and_is_dropped_by_what_is_open_before() {
    let calendar = calendar(
        "UTC",
        json!([
            {"start_time": "08:00", "end_time": "12:00"},
            // Starts within the daily one of the 5th: dropped, though it lasts for days.
            {"start": "2026-01-05T10:00", "end": "2026-01-09T10:00"},
            // Starts between daily ones: kept, and takes the place of three of them.
            {"start": "2026-01-06T20:00", "end": "2026-01-09T09:00"},
            // Starts within the one that is kept: dropped.
            {"start": "2026-01-09T08:30", "end": "2026-01-10T20:00"},
        ]),
    );
    assert_open(
        &calendar,
        &[
            ("2026-01-05T11:00:00Z", Some(0)),
            ("2026-01-05T12:00:00Z", None),
            ("2026-01-06T11:00:00Z", Some(0)),
            ("2026-01-06T20:00:00Z", Some(2)),
            ("2026-01-08T08:00:00Z", Some(2)),
            ("2026-01-09T08:59:59Z", Some(2)),
            ("2026-01-09T09:00:00Z", None), // the daily one started at 8
            ("2026-01-10T08:00:00Z", Some(0)),
            ("2026-01-10T12:00:00Z", None),
        ],
    );
}

#[test]
fn days_of_the_week_and_of_the_month_and_dates_select() {
    let weekdays = calendar(
        "Europe/Berlin",
        json!([{"days_of_week": [1, 7], "start_time": "00:00", "end_time": "24:00",
                "start_date": "2026-01-05", "end_date": "2026-01-12"}]),
    );
    assert_changes(&weekdays, "2026-01-04T00:00:00+01:00", None, None);
    assert_changes(&weekdays, "2026-01-05T00:00:00+01:00", None, Some(0));
    assert_changes(&weekdays, "2026-01-06T00:00:00+01:00", Some(0), None);
    assert_changes(&weekdays, "2026-01-11T00:00:00+01:00", None, Some(0));
    assert_changes(&weekdays, "2026-01-13T00:00:00+01:00", Some(0), None);
    assert_changes(&weekdays, "2026-01-18T00:00:00+01:00", None, None);
    let last = calendar(
        "UTC",
        json!([{"days_of_month": [31], "start_time": "08:00", "end_time": "09:00"}]),
    );
    assert_changes(&last, "2026-01-31T08:00:00Z", None, Some(0));
    assert_changes(&last, "2026-02-28T08:00:00Z", None, None);
    assert_changes(&last, "2026-03-31T08:00:00Z", None, Some(0));
}

/// 29 March 2026: 02:00 is followed by 03:00; 25 October: 03:00 by 02:00.
#[test]
fn what_the_clock_skips_happens_as_it_goes_on_and_what_comes_twice_the_first_time() {
    let night = calendar("Europe/Berlin", json!([{"start_time": "02:30", "end_time": "04:00"}]));
    assert_changes(&night, "2026-03-28T02:30:00+01:00", None, Some(0));
    assert_changes(&night, "2026-03-29T03:00:00+02:00", None, Some(0));
    assert_changes(&night, "2026-03-29T04:00:00+02:00", Some(0), None);
    assert_changes(&night, "2026-10-25T02:30:00+02:00", None, Some(0));
    assert_changes(&night, "2026-10-25T02:30:00+01:00", Some(0), Some(0));
    assert_changes(&night, "2026-10-25T04:00:00+01:00", Some(0), None);
    let ends = calendar("Europe/Berlin", json!([{"start_time": "01:00", "end_time": "02:30"}]));
    assert_changes(&ends, "2026-03-29T03:00:00+02:00", Some(0), None);
    assert_changes(&ends, "2026-10-25T02:30:00+02:00", Some(0), None);
    assert_changes(&ends, "2026-10-25T02:30:00+01:00", None, None);
    let skipped = calendar("Europe/Berlin", json!([{"start_time": "02:10", "end_time": "02:50"}]));
    assert_changes(&skipped, "2026-03-29T03:00:00+02:00", None, None);
}

/// Newfoundland set its clocks back from 00:01 to 23:01 of the day before.
#[test]
fn a_clock_set_back_across_midnight_leaves_the_new_days_window_open() {
    let early = calendar("America/St_Johns", json!([{"start_time": "00:00", "end_time": "06:00"}]));
    assert_changes(&early, "2009-11-01T00:00:00-02:30", None, Some(0));
    assert_changes(&early, "2009-10-31T23:30:00-03:30", Some(0), Some(0));
    assert_changes(&early, "2009-11-01T06:00:00-03:30", Some(0), None);
}

/// Samoa had no 30 December 2011.
#[test]
fn a_day_that_is_skipped_has_no_window() {
    let noon = calendar("Pacific/Apia", json!([{"start_time": "10:00", "end_time": "14:00"}]));
    assert_changes(&noon, "2011-12-29T14:00:00-10:00", Some(0), None);
    assert_changes(&noon, "2011-12-31T00:00:00+14:00", None, None);
    assert_changes(&noon, "2011-12-31T10:00:00+14:00", None, Some(0));
}

#[test]
fn the_initial_minimum_is_given_once_a_window_and_survives_a_snapshot() {
    let mut office = built(json!({
        "entries": [{"start_time": "08:00", "end_time": "18:00", "min_replicas": 4,
                     "max_replicas": 20, "initial_min_replicas": 10}],
        "otherwise": {"min_replicas": 2, "max_replicas": 6},
    }))
    .expect("a good calendar");
    let night = proposed(&mut office, "2026-01-05T07:00:00Z");
    assert_eq!(night, Ok((range(2, 6), "calendar_otherwise")));
    office.decided(time("2026-01-05T07:00:00Z"), 3, 3);
    let begins = Ok((range(10, 20), "calendar_begins"));
    assert_eq!(proposed(&mut office, "2026-01-05T08:00:10Z"), begins);
    assert_eq!(proposed(&mut office, "2026-01-05T08:00:20Z"), begins, "nothing was decided yet");
    office.decided(time("2026-01-05T08:00:20Z"), 3, 10);
    let saved = office.save().expect("writes");
    let mut resumed = Calendar::new(office.settings.clone()).expect("good settings");
    resumed.load(saved).expect("reads");
    for calendar in [&mut office, &mut resumed] {
        let goes_on = proposed(calendar, "2026-01-05T08:00:30Z");
        assert_eq!(goes_on, Ok((range(4, 20), "schedule_active")));
        assert_eq!(proposed(calendar, "2026-01-06T08:00:00Z"), begins, "the next day's window");
    }
}

#[test]
fn without_an_open_window_or_outside_the_calendar_it_has_no_opinion() {
    let mut short = calendar("UTC", json!([{"start_time": "08:00", "end_time": "09:00"}]));
    let refusal = proposed(&mut short, "2026-01-05T10:00:00Z").expect_err("closed");
    assert_eq!(refusal.code(), "schedule_inactive");
    for millis in [i64::MIN, i64::MAX, -377_705_116_800_000, 253_402_207_199_999] {
        let _ = short.open_entry(Timestamp::from_millis(millis));
    }
    assert!(short.only_narrows());
}

#[test]
fn settings_that_contradict_each_other_are_refused_by_name() {
    let daily =
        json!({"start_time": "08:00", "end_time": "18:00", "min_replicas": 4, "max_replicas": 20});
    let dated =
        json!({"start": "2026-01-05", "end": "2026-01-06", "min_replicas": 4, "max_replicas": 20});
    for (base, field, value, path) in [
        (&daily, "end_time", json!("08:00"), "entries[0].end_time"),
        (&daily, "end_time", json!("8 pm"), "entries[0].end_time"),
        (&daily, "start_time", json!("24:00"), "entries[0].start_time"),
        (&daily, "start_time", Value::Null, "entries[0].start_time"),
        (&daily, "days_of_week", json!([]), "entries[0].days_of_week"),
        (&daily, "days_of_week", json!([0]), "entries[0].days_of_week"),
        (&daily, "days_of_month", json!([32]), "entries[0].days_of_month"),
        (&daily, "start_date", json!("tomorrow"), "entries[0].start_date"),
        (&daily, "min_replicas", json!(21), "entries[0].min_replicas"),
        (&daily, "initial_min_replicas", json!(3), "entries[0].initial_min_replicas"),
        (&daily, "initial_min_replicas", json!(21), "entries[0].initial_min_replicas"),
        (&daily, "start", json!("2026-01-05"), "entries[0].start_time"),
        (&dated, "end", json!("2026-01-05"), "entries[0].end"),
        (&dated, "end", Value::Null, "entries[0].end"),
        (&dated, "start", json!("soon"), "entries[0].start"),
        (&dated, "days_of_week", json!([1]), "entries[0].days_of_week"),
    ] {
        let mut entry = base.clone();
        entry[field] = value;
        let error = built(json!({"entries": [entry]})).expect_err(path);
        assert_eq!(error.path(), path, "{error}");
    }
    let both = json!({"entries": [{"days_of_week": [1], "days_of_month": [1], "start_time": "08:00",
        "end_time": "18:00", "min_replicas": 4, "max_replicas": 20}]});
    let years = json!({"entries": [{"start_date": "2026-02-01", "end_date": "2026-01-31",
        "start_time": "08:00", "end_time": "18:00", "min_replicas": 4, "max_replicas": 20}]});
    for (settings, path) in [
        (both, "entries[0].days_of_month"),
        (years, "entries[0].end_date"),
        (json!({"entries": []}), "entries"),
        (json!({"entries": vec![daily.clone(); 257]}), "entries"),
        (json!({"entries": [daily.clone()], "time_zone": "Mars"}), "time_zone"),
        (
            json!({"entries": [daily.clone()], "otherwise": {"min_replicas": 2, "max_replicas": 1}}),
            "otherwise.min_replicas",
        ),
    ] {
        assert_eq!(built(settings).expect_err(path).path(), path);
    }
}

#[test]
fn limits_narrower_than_a_window_are_refused() {
    let text = r#"{"kind": "calendar", "entries": [{"start_time": "08:00", "end_time": "18:00",
        "min_replicas": 4, "max_replicas": 20}], "otherwise": {"min_replicas": 2, "max_replicas": 6}}"#;
    let settings: PolicyConfig = serde_json::from_str(text).expect("settings");
    let policy = settings.build().expect("a good calendar");
    for (min, max, path) in [
        (2, 19, Some("entries[0].max_replicas")),
        (5, 20, Some("entries[0].min_replicas")),
        (3, 20, Some("otherwise.min_replicas")),
        (2, 20, None),
    ] {
        let checked = policy.check_limits(min, max);
        assert_eq!(checked.as_ref().err().map(Error::path), path, "{min} to {max}");
    }
}
