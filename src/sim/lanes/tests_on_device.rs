//! The device beside the cores, and what holds for the kernel without running it.

use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering};

use wgpu::naga;

use super::lane::Lane;
use super::screen::{Screen, Slope};
use super::state::State;
use super::tests::{by_risk, configs, forecasting, three_days, total};
use super::*;
use crate::gpu::device::open;
use crate::gpu::replay::{LANE_WORDS, Params, SOURCE, STATE_WORDS};
use crate::sim::{Settings, web_service};
use crate::testing::adapter;

/// Both answers of all configurations over a day: of the cores, of the device.
fn both(choice: &Choice, go_on: &dyn Fn(f64) -> bool) -> [Vec<Told>; 2] {
    let trace = web_service(4, 7);
    let settings = Settings { scored: "1d".parse().expect("a time"), ..three_days() };
    let stage = Stage::new(&trace, &settings, 100.0, settings.scored_part(&trace)).expect("a part");
    let mut lanes = Lanes::new(&stage, 1000, 6).expect("a plant for lanes");
    let all: Vec<Config> = configs().into_iter().chain(forecasting()).chain(by_risk()).collect();
    let entered = lanes.enter(&all.iter().collect::<Vec<_>>()).expect("they build");
    let entered: Vec<Lane> = entered.into_iter().map(|lane| lane.expect("a lane")).collect();
    let replayed = lanes.replay(&entered, choice, go_on).expect("an adapter");
    [lanes.on_cores(&entered).expect("they run"), replayed.told]
}

/// Both round alike but for divisions and what is fused: a replica more or fewer for a moment.
fn assert_alike([cores, device]: &[Vec<Told>; 2]) {
    assert_eq!(cores.len(), device.len());
    for (one, other) in cores.iter().zip(device) {
        let (one, other) = (one.as_ref().expect("known"), other.as_ref().expect("known"));
        assert_eq!(one.len(), 6);
        for (one, other) in one.iter().zip(other) {
            assert_eq!(one.minutes, other.minutes);
            let cost = (one.replica_hours - other.replica_hours).abs();
            assert!(cost <= 0.002 * one.replica_hours, "{one:?} {other:?}");
            let violated = (one.violation_minutes - other.violation_minutes).abs();
            assert!(violated <= 2.0, "{one:?} {other:?}");
        }
    }
    // Who is better by more than that is better on both sides.
    let totals = |side: &[Told]| -> Vec<f64> {
        side.iter().map(|told| total(told.as_ref().expect("known"))).collect()
    };
    let (cores, device) = (totals(cores), totals(device));
    let mut n_pairs = 0;
    for one in 0..cores.len() {
        for other in 0..cores.len() {
            if cores[one] < 0.99 * cores[other] {
                n_pairs += 1;
                assert!(device[one] < device[other], "{one} {other}");
            }
        }
    }
    assert!(n_pairs > cores.len(), "{n_pairs}");
}

#[test]
fn the_device_scores_as_the_cores_do() {
    let Some(choice) = adapter() else { return };
    let answers = both(&choice, &|_| true);
    assert_alike(&answers);
    let same = answers[0].iter().zip(&answers[1]).filter(|(one, other)| one == other).count();
    println!("{same} of {} are the same to the last number", answers[0].len());
    // Two at once, each with its own chunks.
    let small = Choice { most_bytes: Some(120_000), ..choice.clone() };
    std::thread::scope(|scope| {
        let others = [&choice, &small].map(|choice| scope.spawn(|| both(choice, &|_| true)));
        for other in others {
            let other = other.join().expect("no panic");
            assert_eq!(other[1], answers[1], "chunks and neighbors change nothing");
        }
    });
}

#[test]
fn a_device_lost_on_the_way_gives_the_numbers_of_the_cores() {
    let Some(choice) = adapter() else { return };
    // A choice of its own, so that no other test loses its device.
    let choice = Choice { most_bytes: Some(1 << 23), ..choice };
    let gone = |_: f64| {
        if let Ok(gpu) = open(&choice) {
            gpu.lose();
        }
        true
    };
    let [cores, device] = both(&choice, &gone);
    assert_eq!(cores, device);
    let [_, device] = both(&choice, &|_| true);
    assert!(device.iter().all(Option::is_some), "it is opened anew");
}

#[test]
fn an_interruption_tells_of_nobody() {
    let Some(choice) = adapter() else { return };
    let asked = AtomicUsize::new(0);
    let stop = |_: f64| asked.fetch_add(1, Ordering::Relaxed) < 1;
    let [_, device] = both(&choice, &stop);
    assert!(device.iter().all(Option::is_none));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// The members of a structure of the kernel, with their offsets, and its size.
fn members(module: &naga::Module, of: &str) -> (Vec<(String, u32)>, u32) {
    let found = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some(of));
    let naga::TypeInner::Struct { members, span } = &found.expect("it is there").1.inner else {
        panic!("{of} is no structure");
    };
    let name = |member: &naga::StructMember| member.name.clone().expect("a name");
    (members.iter().map(|member| (name(member), member.offset)).collect(), *span)
}

macro_rules! assert_same {
    ($module:expr, $of:ident, $($field:ident),*) => {
        let want = vec![$((stringify!($field).to_owned(), offset_of!($of, $field) as u32)),*];
        let want = (want, size_of::<$of>() as u32);
        assert_eq!(members($module, stringify!($of)), want);
    };
}

#[test]
fn the_kernel_parses_and_its_structures_are_those_of_rust() {
    let module = naga::front::wgsl::parse_str(SOURCE).expect("WGSL");
    let mut validator = naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    );
    validator.validate(&module).expect("valid without any optional capability");
    assert_same!(
        &module,
        Params,
        n_lanes,
        n_ticks,
        n_steps,
        span_ticks,
        interval,
        n_starts,
        late_after,
        timeout,
        starting,
        used,
        stopped,
        seen_up,
        seen_down,
        events_up,
        events_down,
        kept,
        had,
        recent,
        age,
        memory,
        gap
    );
    assert_same!(
        &module,
        Lane,
        min,
        max,
        initial,
        utilization,
        tapes,
        percent,
        sizes,
        within,
        samples,
        accept_after,
        accept_zero_after,
        accept_stuck_after,
        target_load,
        low,
        high,
        planned,
        keeps,
        follows,
        lead,
        haste,
        guards,
        tolerance,
        windows,
        selects,
        longest,
        n_limits,
        changes,
        periods
    );
    assert_same!(&module, Slope, recent, level, peak, rises, falls, zeros);
    assert_same!(
        &module,
        Screen,
        load,
        mean,
        n_samples,
        last,
        interval,
        value,
        repeats,
        stuck_since,
        longest,
        n_changes,
        is_accepted,
        doubt,
        doubt_since,
        doubted,
        in_burst
    );
    assert_same!(
        &module,
        State,
        screen,
        tick,
        is_out,
        ready,
        first_start,
        n_starting,
        n_starts,
        n_stopping,
        head,
        gone,
        first_seen,
        n_seen,
        n_events,
        kept,
        had,
        beyond,
        full,
        filled,
        n_followed,
        waiting,
        seen,
        is_violated,
        violated,
        paid,
        paid_rest
    );
    assert_eq!(size_of::<State>(), 4 * STATE_WORDS);
    assert_eq!(size_of::<Lane>(), 4 * LANE_WORDS);
}

#[test]
fn words_lie_where_the_structures_have_them() {
    let params = Params { timeout: 1.5, stopped: [7, 8], had: [0, 6], gap: 9, ..Params::default() };
    let words = params.words();
    assert_eq!(4 * words.len(), size_of::<Params>());
    assert_eq!(words[offset_of!(Params, timeout) / 4], 1.5_f32.to_bits());
    assert_eq!(words[offset_of!(Params, stopped) / 4 + 1], 8);
    assert_eq!(words.last(), Some(&9));
    let lane = Lane {
        utilization: 0.5,
        within: [3, 4],
        tapes: [1, 2, 9, 4, 5],
        planned: 75.0,
        keeps: 8,
        guards: 0x21,
        longest: [5, 6],
        periods: [1, 2, 3, 4],
        ..Lane::default()
    };
    let words = lane.words();
    assert_eq!(4 * words.len(), size_of::<Lane>());
    assert_eq!(words[offset_of!(Lane, utilization) / 4], 0.5_f32.to_bits());
    assert_eq!(words[offset_of!(Lane, within) / 4 + 1], 4);
    assert_eq!(words[offset_of!(Lane, planned) / 4], 75.0_f32.to_bits());
    assert_eq!(words[offset_of!(Lane, tapes) / 4 + 2], 9);
    assert_eq!(words[offset_of!(Lane, keeps) / 4], 8);
    assert_eq!(words[offset_of!(Lane, guards) / 4], 0x21);
    assert_eq!(words[offset_of!(Lane, longest) / 4 + 1], 6);
    assert_eq!(words.last(), Some(&4));
}
