use super::*;
use crate::testing::cases;
use proptest::prelude::*;

fn learned(text: &str) -> Result<Learned, Error> {
    Learned::new(serde_json::from_str(text).expect("of the right types"))
}

fn seconds(learned: &Learned) -> f64 {
    learned.in_force().as_secs_f64()
}

/// A workload that goes from `low` to `high` replicas and back every hour, decides every `interval`
/// seconds, and whose replicas take the next of `lengths` to start.
struct Host {
    at: i64,
    ready: u32,
    starting: Vec<i64>,
}

impl Host {
    fn new() -> Self {
        Self { at: 0, ready: 2, starting: Vec::new() }
    }

    /// Lets so many hours pass; `length` says how long the next start takes, `None` for one that
    /// never comes.
    fn run(
        &mut self,
        learned: &mut Learned,
        hours: i64,
        interval: i64,
        mut length: impl FnMut() -> Option<i64>,
    ) {
        let end = self.at + 3600 * hours;
        while self.at < end {
            let at = Timestamp::from_secs(self.at);
            let n_before = self.starting.len();
            self.starting.retain(|&ready_at| ready_at > self.at);
            self.ready += (n_before - self.starting.len()) as u32;
            let pending = self.starting.len() as u32;
            learned.see(at, Replicas { ready: self.ready, pending, requested: None });
            let wanted = if self.at % 3600 < 1800 { 5 } else { 2 };
            learned.decided(at, wanted);
            let current = self.ready + pending;
            for _ in current..wanted {
                self.starting.push(length().map_or(i64::MAX, |length| self.at + length));
            }
            let mut surplus = current.saturating_sub(wanted);
            while surplus > 0 && self.starting.pop().is_some() {
                surplus -= 1;
            }
            self.ready -= surplus;
            self.at += interval;
        }
    }
}

#[test]
fn a_lead_time_is_learnt_from_the_first_scale_ups_and_then_holds() {
    let mut learned = learned(r#"{"initial": "2m"}"#).expect("in range");
    let mut host = Host::new();
    host.run(&mut learned, 4, 15, || Some(300));
    // Four scale-ups of eight: half of the way from 120 to 298.5, the quantile of (285, 300].
    assert_eq!((seconds(&learned), learned.n_starts()), (209.25, 12));
    host.run(&mut learned, 4, 15, || Some(300));
    assert_eq!(seconds(&learned), 298.5);
    host.run(&mut learned, 40, 15, || Some(300));
    assert_eq!(seconds(&learned), 298.5);
}

#[test]
fn longer_starts_are_followed_at_once_and_shorter_ones_after_three_half_lives_and_more() {
    let mut learned = learned("{}").expect("in range");
    let mut host = Host::new();
    host.run(&mut learned, 30, 15, || Some(60));
    assert_eq!(seconds(&learned), 58.5);
    host.run(&mut learned, 3, 15, || Some(600));
    assert!(seconds(&learned) > 585.0, "three slow scale-ups are more than a tenth: {learned:?}");
    host.run(&mut learned, 48, 15, || Some(60));
    assert!(seconds(&learned) < 60.1, "{}", seconds(&learned));
}

#[test]
fn noise_is_bounded_by_the_quantile_and_one_odd_start_does_not_count() {
    let mut learned = learned("{}").expect("in range");
    let mut uniform = crate::testing::uniform(7);
    let mut host = Host::new();
    host.run(&mut learned, 100, 15, || Some(60 + (120.0 * uniform()) as i64));
    // The 0.9 quantile of 60 to 180 seconds is 168; a batch's first ones are taken for its first.
    assert!((150.0..183.0).contains(&seconds(&learned)), "{}", seconds(&learned));
    let mut n = 0;
    host.run(&mut learned, 1, 15, || {
        n += 1;
        Some(if n == 1 { 1000 } else { 100 })
    });
    assert!(seconds(&learned) < 190.0, "{}", seconds(&learned));
}

#[test]
fn replicas_that_never_come_leave_the_lead_time_where_it_is() {
    let mut learned = learned("{}").expect("in range");
    let mut host = Host::new();
    host.run(&mut learned, 20, 15, || Some(60));
    let before = seconds(&learned);
    host.run(&mut learned, 20, 15, || None);
    assert_eq!(seconds(&learned), before);
}

#[test]
fn a_look_every_five_minutes_learns_no_more_than_it_sees() {
    let mut learned = learned("{}").expect("in range");
    let mut host = Host::new();
    host.run(&mut learned, 20, 300, || Some(30));
    // Somewhere in (0, 300]: nine tenths of it.
    assert!((seconds(&learned) - 270.0).abs() < 0.01, "{}", seconds(&learned));
}

#[test]
fn the_bounds_hold() {
    let mut short = learned(r#"{"min": "90s"}"#).expect("in range");
    Host::new().run(&mut short, 20, 15, || Some(30));
    assert_eq!(seconds(&short), 90.0);
    // Longer than that is no start at all.
    let mut long = learned(r#"{"max": "4m"}"#).expect("in range");
    Host::new().run(&mut long, 20, 15, || Some(300));
    assert_eq!((seconds(&long), long.n_starts()), (120.0, 0));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (text, field) in [
        (r#"{"initial": 0}"#, "initial"),
        (r#"{"initial": "8d"}"#, "initial"),
        (r#"{"quantile": 0.4}"#, "quantile"),
        (r#"{"quantile": 1}"#, "quantile"),
        (r#"{"min": "3m"}"#, "min"),
        (r#"{"max": "1m"}"#, "max"),
        (r#"{"half_life": 0}"#, "half_life"),
    ] {
        assert_eq!(learned(text).expect_err(text).path(), field);
    }
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut learned = learned("{}").expect("in range");
    Host::new().run(&mut learned, 3, 15, || Some(60));
    let text = serde_json::to_string(&learned).expect("a snapshot");
    assert_eq!(serde_json::from_str::<Learned>(&text).expect("its own"), learned);
    for (from, to) in [
        (r#""least":45.0"#, r#""least":-1"#),
        (r#""most":60.0"#, r#""most":45.0"#),
        (r#""n_scale_ups":3.0"#, r#""n_scale_ups":-3.0"#),
        (r#""half_life":16"#, r#""half_life":0"#),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text, "{from}");
        assert!(serde_json::from_str::<Learned>(&damaged).is_err(), "{damaged}");
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// Whatever is seen and decided, it stays within its bounds, and a snapshot changes nothing.
    #[test]
    fn any_looks_keep_it_within_bounds_and_a_snapshot_changes_nothing(
        looks in prop::collection::vec(
            (1_i64..2000, 0_u32..9, 0_u32..9, prop::option::of(0_u32..9), prop::option::of(0_u32..9)),
            1..120,
        ),
    ) {
        let mut straight = learned(r#"{"min": "30s", "max": "10m"}"#).expect("in range");
        let mut restored = straight.clone();
        let mut at = Timestamp::from_secs(0);
        for (seconds, ready, pending, requested, decided) in looks {
            at = at + Duration::from_secs(seconds as u32);
            for learned in [&mut straight, &mut restored] {
                learned.see(at, Replicas { ready, pending, requested });
                if let Some(replicas) = decided {
                    learned.decided(at, replicas);
                }
                if seconds == 13 {
                    learned.rebase();
                }
            }
            let in_force = straight.in_force();
            prop_assert!(in_force >= Duration::from_secs(30) && in_force <= Duration::from_secs(600));
            let text = serde_json::to_string(&restored).expect("a snapshot");
            restored = serde_json::from_str(&text).expect("its own");
            prop_assert_eq!(&straight, &restored);
        }
    }
}
