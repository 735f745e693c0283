//! The search in the calendar against the clock itself, gone through minute by minute.

use proptest::prelude::*;

use super::*;

const PATTERNS: [&str; 8] = [
    "0 8 * * mon-fri",
    "30 2 * * *",
    "*/15 * * * *",
    "55 * * * sat,sun",
    "0,45 0-3 * * *",
    "15 1-4/2 L * *",
    "0 0 1,15 * fri",
    "59 23 * 3,10,11 7",
];
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe", // half an hour of daylight saving
    "America/Sao_Paulo",   // midnight was skipped
    "Africa/Casablanca",   // four changes a year
    "Asia/Kathmandu",
    "Pacific/Apia", // a day left out
];

/// Every start of a range of minutes, told minute by minute from the zone's offsets alone.
fn starts_by_the_clock(pattern: &str, zone: &jiff::tz::TimeZone, from: i64, to: i64) -> Vec<i64> {
    let cron: croner::Cron = pattern.parse().expect("a pattern");
    let every_hour = pattern.split(' ').nth(1) == Some("*");
    let local = |minute: i64| {
        zone.to_datetime(jiff::Timestamp::from_second(minute * 60).expect("in range"))
    };
    let matches = |civil: &jiff::civil::DateTime| cron.is_time_matching(civil).expect("in range");
    let mut newest = local(from - 1); // the latest civil time that has been seen
    let is_start = |&minute: &i64| {
        let now = local(minute);
        let mut any = every_hour && matches(&now);
        while newest < now {
            newest = newest.checked_add(jiff::ToSpan::minute(1)).expect("in range");
            any |= !every_hour && matches(&newest);
        }
        any
    };
    (from..to).filter(is_start).collect()
}

/// Around each change of the clock, the search finds what going minute by minute finds, whether it
/// starts there or has come from before.
#[test]
fn windows_are_those_of_the_clock() {
    let day = 1440;
    let years =
        ["2011-12-01T00:00Z", "2017-10-01T00:00Z", "2026-01-01T00:00Z", "2050-01-01T00:00Z"];
    for zone_name in ZONES {
        let zone = window::zone(zone_name).expect("a zone");
        let mut changes: Vec<_> = years
            .iter()
            .map(|text| text.parse().expect("a time"))
            .flat_map(|year| zone.following(year).take(2).map(|change| change.timestamp()))
            .map(|change| change.as_second() / 60)
            .collect();
        changes.push(time(years[2]).as_millis() / 60_000); // where nothing changes
        for (pattern, change) in PATTERNS.iter().flat_map(|&p| changes.iter().map(move |&c| (p, c)))
        {
            let starts = starts_by_the_clock(pattern, &zone, change - 3 * day, change + day);
            for length in [10, 30, 100, 2000] {
                let mut kept = cron(pattern, zone_name, &format!("{length}m"));
                let fresh = kept.clone();
                for minute in change - day..change + day {
                    let latest = starts.iter().rev().find(|&&start| start <= minute);
                    let want = latest.map(|start| start + length).filter(|&end| minute < end);
                    let want = want.map(|end| Timestamp::from_secs(end * 60));
                    let at = Timestamp::from_secs(minute * 60);
                    let told = || format!("{pattern} for {length}m in {zone_name} at {at:?}");
                    assert_eq!(kept.open_until(at), want, "{}", told());
                    if (minute - change).abs() < 150 && minute % 5 == 0 {
                        let mut fresh = fresh.clone();
                        assert_eq!(fresh.open_until(at), want, "fresh {}", told());
                        assert_eq!(fresh.stretch.map(|s| s.until), kept.stretch.map(|s| s.until));
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(150))]

    /// What was asked before never changes an answer, nor does a snapshot.
    #[test]
    fn the_cache_changes_no_answer(
        pattern in prop::sample::select(&PATTERNS[..]),
        zone in prop::sample::select(&ZONES[..]),
        hours in 1..100_u32,
        times in prop::collection::vec(1_767_225_600_000..1_800_000_000_000_i64, 1..40),
    ) {
        let fresh = cron(pattern, zone, &format!("{hours}h"));
        let mut kept = fresh.clone();
        for millis in times {
            let near = [0, 1, 60_000, 3_600_000, -1, -3_600_000];
            for at in near.map(|ahead| Timestamp::from_millis(millis + ahead)) {
                let want = fresh.clone().open_until(at);
                prop_assert_eq!(kept.open_until(at), want);
                let saved = serde_json::to_value(&kept)?;
                let mut restored: Schedule = serde_json::from_value(saved)?;
                prop_assert_eq!(restored.open_until(at), want);
            }
        }
    }
}
