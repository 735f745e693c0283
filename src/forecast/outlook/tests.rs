use super::*;
use crate::codes;
use crate::forecast::testing::{daily, uniform};

const LEAD: Duration = Duration::from_secs(300);

fn minute(minute: usize) -> Timestamp {
    Timestamp::from_secs(60 * minute as i64)
}

/// A model whose numbers are plain to see.
fn seasonal_naive() -> OutlookConfig {
    let settings = r#"{"metric": "rps", "forecaster": "seasonal_naive"}"#;
    serde_json::from_str(settings).expect("settings")
}

fn fed(loads: &[f64]) -> Outlook {
    let mut outlook = Outlook::new(&seasonal_naive(), LEAD).expect("defaults hold");
    for (at, &load) in loads.iter().enumerate() {
        outlook.observe(minute(at), Some(load));
    }
    outlook
}

#[test]
fn abstains_until_it_has_history_and_evidence() {
    let outlook = fed(&daily(1000, 0.9, 0.05, 1));
    let reason = outlook.latest().expect_err("less than a season");
    assert_eq!(reason.code(), codes::TOO_LITTLE_HISTORY.name());
    assert!(reason.fact("n_samples") < reason.fact("needed_samples"), "{reason}");
}

#[test]
fn learns_from_a_history_that_is_coarser_than_its_step() {
    let minutes = daily(4 * 1440 + 10, 0.9, 0.05, 5);
    let tenth = |minute: usize| (Timestamp::from_secs(60 * minute as i64), Some(minutes[minute]));
    let (times, values): (Vec<_>, Vec<_>) = (0..4 * 1440).step_by(10).map(tenth).unzip();
    let mut outlook = Outlook::new(&seasonal_naive(), LEAD).expect("defaults hold");
    outlook.warm_up(&times, &values).expect("times rise");
    let forecast = outlook.forecast(10, &[0.5]).expect("in range").expect("there is history");
    let ratio = forecast.row(4)[0] / minutes[4 * 1440 - 5];
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
}

#[test]
fn opens_on_a_daily_load_and_covers_it() {
    let loads = daily(4 * 1440, 0.9, 0.05, 2);
    let mut outlook = fed(&loads[..2880]);
    let (mut below, mut n) = (0, 0);
    for (at, &load) in loads.iter().enumerate().take(loads.len() - 4).skip(2880) {
        outlook.observe(minute(at), Some(load));
        let forecast = outlook.latest().expect("the day comes again");
        // Row 4 is the step that ends 5 minutes after the last closed one.
        assert_eq!(forecast.issued_at, minute(at));
        below += usize::from(loads[at + 4] <= forecast.row(4)[0]);
        n += 1;
    }
    let coverage = f64::from(below as u32) / f64::from(n);
    assert!((0.935..0.965).contains(&coverage), "{coverage}");
    assert!(outlook.skill() > 0.1, "{}", outlook.skill());
}

/// Trust is not lost by a longer lead time; it is judged anew once there is evidence.
#[test]
fn follows_a_lead_time_and_judges_at_it_once_there_is_evidence() {
    let loads = daily(3 * 1440, 0.9, 0.05, 2);
    let mut outlook = fed(&loads[..2880]);
    let judged = |outlook: &Outlook| outlook.model.ledger.decides();
    let horizon = |outlook: &Outlook| outlook.latest().expect("trusted").horizon();
    assert_eq!((judged(&outlook), horizon(&outlook)), (5, 11));
    outlook.follow(Duration::from_secs(330)); // 6 steps are near 5
    assert_eq!((judged(&outlook), horizon(&outlook)), (5, 12));
    outlook.follow(Duration::from_secs(600)); // 10 are near 8, which has been judged all along
    assert_eq!((judged(&outlook), horizon(&outlook)), (8, 21));
    let lead = Duration::from_secs(20 * 60);
    outlook.follow(lead);
    assert_eq!((judged(&outlook), horizon(&outlook)), (8, 41));
    let mut restored = Outlook::new(&seasonal_naive(), LEAD).expect("defaults hold");
    let (mut judged_at, mut n_trusted) = (Vec::new(), 0);
    for (at, &load) in loads.iter().enumerate().skip(2880).take(500) {
        restored.load(outlook.save().expect("JSON")).expect("its own snapshot");
        restored.follow(lead);
        for outlook in [&mut outlook, &mut restored] {
            outlook.observe(minute(at), Some(load));
        }
        assert_eq!(outlook.latest(), restored.latest(), "minute {at}");
        assert_eq!(outlook.save(), restored.save());
        n_trusted += usize::from(outlook.latest().is_ok());
        judged_at.push(judged(&outlook));
    }
    assert!(n_trusted >= 450, "{n_trusted} of 500");
    // The errors of the references at the new horizon, then eight blocks of twice that.
    let switched = judged_at.iter().position(|&ahead| ahead != 8).expect("it switches");
    assert_eq!(judged_at[switched], 16);
    assert!((8 * 32..8 * 48).contains(&switched), "{switched}");
    outlook.follow(Duration::from_secs(60));
    assert_eq!((judged(&outlook), horizon(&outlook)), (1, 4));
    assert_eq!(outlook.model.ledger.longest(), 4, "what was judged far ahead is let go");
    assert!(outlook.check_reach(Duration::from_secs(86_400 * 4)).is_err());
}

#[test]
fn closes_on_a_random_walk() {
    let settings =
        r#"{"metric": "rps", "forecaster": {"kind": "seasonal_naive", "level": "none"}}"#;
    let settings: OutlookConfig = serde_json::from_str(settings).expect("settings");
    let mut outlook = Outlook::new(&settings, LEAD).expect("in range");
    let mut uniform = uniform(3);
    let mut load = 1000.0_f64;
    for at in 0..4000 {
        load = (load + 20.0 * (uniform() - 0.5)).max(0.0);
        outlook.observe(minute(at), Some(load));
    }
    let reason = outlook.latest().expect_err("yesterday says nothing of today");
    assert_eq!(reason.code(), codes::NO_SKILL.name());
    outlook.forecast(5, &[0.5]).expect("valid").expect("people may look all the same");
}

#[test]
fn abstains_in_a_gap_and_goes_on_after_it() {
    let mut outlook = fed(&daily(3000, 0.9, 0.05, 4));
    assert!(outlook.latest().is_ok());
    for at in 3000..3020 {
        outlook.observe(minute(at), None);
    }
    let reason = outlook.latest().expect_err("twenty minutes are missing");
    assert_eq!(reason.code(), codes::GAP_TOO_WIDE.name());
    for (at, &load) in daily(3100, 0.9, 0.05, 4).iter().enumerate().skip(3020) {
        outlook.observe(minute(at), Some(load));
    }
    assert!(outlook.latest().is_ok());
}

#[test]
fn warming_up_is_observing() {
    let loads = daily(3000, 0.9, 0.05, 5);
    let mut warm = Outlook::new(&seasonal_naive(), LEAD).expect("defaults hold");
    let times: Vec<_> = (0..loads.len()).map(minute).collect();
    let values: Vec<_> = loads.iter().copied().map(Some).collect();
    warm.warm_up(&times, &values).expect("in order");
    assert_eq!(warm.save(), fed(&loads).save());
}

#[test]
fn history_that_is_wrong_is_refused_by_its_index_and_changes_nothing() {
    let mut outlook = fed(&[1.0, 2.0]);
    let before = outlook.save();
    let times = [minute(5), minute(6), minute(7)];
    let back = [minute(5), minute(6), minute(6)];
    let cases = [
        (times, vec![Some(1.0)], "values"),
        (back, vec![Some(1.0); 3], "times[2]"),
        (times, vec![None, Some(f64::NAN), Some(-1.0)], "values[2]"),
        (times, vec![None, Some(f64::INFINITY), Some(1.0)], "values[1]"),
    ];
    for (times, values, path) in cases {
        assert_eq!(outlook.warm_up(&times, &values).expect_err(path).path(), path);
    }
    assert_eq!(outlook.save(), before);
    outlook.warm_up(&times, &[None, Some(f64::NAN), Some(1.0)]).expect("missing is no error");
}

#[test]
fn what_people_ask_for_is_checked() {
    let outlook = fed(&daily(3000, 0.9, 0.05, 6));
    let path = |horizon, quantiles: &[f64]| {
        outlook.forecast(horizon, quantiles).expect_err("out of range").path().to_owned()
    };
    assert_eq!(path(0, &[0.5]), "horizon");
    assert_eq!(path(10_001, &[0.5]), "horizon");
    assert_eq!(path(5, &[]), "quantiles");
    assert_eq!(path(5, &[0.5, 0.5]), "quantiles[1]");
    assert_eq!(path(5, &[0.0]), "quantiles[0]");
    assert_eq!(path(5, &[0.5, 1.0]), "quantiles[1]");
    assert_eq!(path(5, &[f64::NAN]), "quantiles[0]");
    let forecast = outlook.forecast(2000, &[0.1, 0.9]).expect("valid").expect("history");
    assert_eq!((forecast.horizon(), forecast.row(1999).len()), (2000, 2));
}

#[test]
fn a_snapshot_changes_no_later_answer() {
    let loads = daily(3200, 0.9, 0.1, 7);
    let mut outlook = fed(&loads[..1480]);
    for (at, &load) in loads.iter().enumerate().skip(1480) {
        if at % 131 == 0 {
            let text = outlook.save().expect("it can be saved").to_string();
            let mut other = fed(&[]);
            other.load(serde_json::from_str(&text).expect("JSON")).expect("its own");
            assert_eq!(outlook.latest(), other.latest());
            assert_eq!(outlook.save(), other.save());
            outlook = other;
        }
        outlook.observe(minute(at), Some(load));
    }
    assert_eq!(outlook.save(), fed(&loads).save());
}

#[test]
fn a_foreign_snapshot_is_refused_and_changes_nothing() {
    let mut outlook = fed(&daily(100, 0.9, 0.1, 8));
    let before = outlook.save().expect("it can be saved");
    let settings = OutlookConfig { quantile: Some(0.9), ..OutlookConfig::new("rps") };
    let other = Outlook::new(&settings, LEAD).expect("in range").save().expect("saved");
    let mut damaged = before.clone();
    damaged["forecaster"]["history"]["ring"]["samples"][3] = (-1.0).into();
    for foreign in [other, damaged, Value::Null] {
        outlook.load(foreign).expect_err("not its own");
        assert_eq!(outlook.save().expect("it can be saved"), before);
    }
}

/// The default model finds the day once it has come twice, and is believed within the third.
#[test]
fn the_default_is_believed_on_the_third_day_and_never_on_noise() {
    let loads = daily(4 * 1440, 0.9, 0.05, 2);
    let mut uniform = uniform(9);
    let noise: Vec<f64> = (0..4 * 1440).map(|_| 1000.0 + 100.0 * uniform()).collect();
    let trusted = |loads: &[f64]| {
        let settings = OutlookConfig::new("rps");
        let mut outlook = Outlook::new(&settings, LEAD).expect("defaults hold");
        let feed = |(at, &load): (usize, &f64)| {
            outlook.observe(minute(at), Some(load));
            outlook.latest().is_ok()
        };
        loads.iter().enumerate().map(feed).collect::<Vec<_>>()
    };
    let seasonal = trusted(&loads);
    let first = seasonal.iter().position(|&is| is).expect("it is believed");
    assert!(first < 3 * 1440, "{first}");
    let since = &seasonal[first..];
    assert!(since.iter().filter(|&&is| is).count() * 10 >= since.len() * 9);
    let noisy = trusted(&noise).iter().filter(|&&is| is).count();
    assert!(noisy * 20 <= noise.len(), "{noisy}");
}
