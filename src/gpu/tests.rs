//! What holds for each kernel without running it, and for the choice of an adapter.

use std::mem::{offset_of, size_of};

use wgpu::naga;

use super::fit::{ANCHORS, Anchor, Params};
use super::quantiles::{Errors, Params as Looks};
use super::*;

/// The members of a structure of a shader, with their offsets, and its size.
fn members(module: &naga::Module, of: &str) -> (Vec<(String, u32)>, u32) {
    let found = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some(of));
    let naga::TypeInner::Struct { members, span } = &found.expect("it is there").1.inner else {
        panic!("{of} is no structure");
    };
    let name = |member: &naga::StructMember| member.name.clone().expect("a name");
    (members.iter().map(|member| (name(member), member.offset)).collect(), *span)
}

macro_rules! offsets {
    ($of:ident, $($field:ident),*) => {
        vec![$((stringify!($field).to_owned(), offset_of!($of, $field) as u32)),*]
    };
}

/// A shader that any device can run.
fn parsed(source: &str) -> naga::Module {
    let module = naga::front::wgsl::parse_str(source).expect("WGSL");
    let mut validator = naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    );
    validator.validate(&module).expect("valid without any optional capability");
    module
}

#[test]
fn the_kernels_parse_and_their_structures_are_those_of_rust() {
    let module = parsed(fit::SOURCE);
    let (of_params, span) = members(&module, "Params");
    let params = offsets!(
        Params, n_series, n_samples, season, slow, smoothed, n_steps, awake, n_rows, means, away,
        reserved, anchors
    );
    assert_eq!(of_params, params);
    assert_eq!(span as usize, size_of::<Params>());
    let (of_anchor, span) = members(&module, "Anchor");
    let anchor = offsets!(
        Anchor, ahead, spacing, refit, delay, skip, first, loss, ever, lately, growth, ridge,
        n_counted
    );
    assert_eq!(of_anchor, anchor);
    assert_eq!(span as usize, size_of::<Anchor>());
    assert_eq!(members(&module, "State").1 as usize, fit::STATE_BYTES);

    let module = parsed(quantiles::SOURCE);
    let (of_params, span) = members(&module, "Params");
    let params = offsets!(Looks, n_series, n_levels, n_rows, n_looks, errors);
    assert_eq!(of_params, params);
    assert_eq!(span as usize, size_of::<Looks>());
    let (of_errors, span) = members(&module, "Errors");
    assert_eq!(of_errors, offsets!(Errors, first, n, reserved));
    assert_eq!(span as usize, size_of::<Errors>());
    assert_eq!(members(&module, "Search").1 as usize, quantiles::SEARCH_BYTES);
}

#[test]
fn words_lie_where_the_structure_has_them() {
    let mut anchors = [Anchor::default(); ANCHORS];
    anchors[5] = Anchor { ahead: 64, ridge: 990.0, growth: 1.5, n_counted: 3, ..anchors[5] };
    let params = Params { n_rows: 42, away: [0.5, 0.25], anchors, ..Params::default() };
    let words = params.words();
    assert_eq!(4 * words.len(), size_of::<Params>());
    assert_eq!(words[offset_of!(Params, n_rows) / 4], 42);
    assert_eq!(words[offset_of!(Params, away) / 4 + 1], 0.25_f32.to_bits());
    let last = (offset_of!(Params, anchors) + 5 * size_of::<Anchor>()) / 4;
    assert_eq!(words[last + offset_of!(Anchor, ahead) / 4], 64);
    assert_eq!(words[last + offset_of!(Anchor, growth) / 4], 1.5_f32.to_bits());
    assert_eq!(words[last + offset_of!(Anchor, ridge) / 4], 990.0_f32.to_bits());
    assert_eq!(words[last + offset_of!(Anchor, n_counted) / 4], 3);

    let looks = Looks::new(&params, 6, 7);
    let words = looks.words();
    assert_eq!(4 * words.len(), size_of::<Looks>());
    assert_eq!(words[offset_of!(Looks, n_levels) / 4], 7);
    let last = (offset_of!(Looks, errors) + 5 * size_of::<Errors>()) / 4;
    assert_eq!(words[last + offset_of!(Errors, n) / 4], 3);
}

/// The longest history and the fullest chunk: each dispatch has its bound, and all of them are enough.
#[test]
fn no_dispatch_is_long() {
    for (n_series, n_counted) in [(1, 80_000), (32_768, 80_000), (32_768, 6000), (1, 0)] {
        let mut anchors = [Anchor::default(); ANCHORS];
        anchors[0].n_counted = n_counted;
        let params = Params { n_series, anchors, ..Params::default() };
        let looks = Looks::new(&params, ANCHORS, 4);
        assert!((1..=16_384).contains(&looks.n_looks));
        assert!(looks.n_looks as usize * n_series as usize * 2 * ANCHORS <= 1 << 28);
        let all = looks.n_dispatches() * looks.n_looks as usize;
        assert!(all >= 27 * (n_counted as usize + 1), "{all}");
    }
}

#[test]
fn an_adapter_that_is_not_there_is_told_with_those_that_are() {
    let error = info(&Choice::from_text(Some("no such card"))).expect_err("there is none");
    assert_eq!(error.path(), "device");
    assert!(error.to_string().contains("no adapter was found"), "{error}");
}
