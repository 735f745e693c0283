//! What the regression expects before it has learnt anything of a load.
//!
//! In: the band and the season. Out: a weight for each feature. Knows no load.

use super::horizons::ANCHORS;
use super::memory::{FINE_SEASON, N, SEASON as MEANS};

/// Weights by band, as loads of that kind have them in common: without a season, with one of fewer
/// than [`FINE_SEASON`] steps, with a longer one.
///
/// Least absolute errors over public traces (web requests, tweets, CPU of VMs, GPUs and clusters, the
/// hourly series of the M4 competition), each kind and each trace of a kind with the same say: the
/// prior's mean as empirical Bayes has it (Robbins 1956). Those of one half of the traces were as
/// good on the other.
#[inline]
pub(super) fn prior(which: usize, season: Option<usize>) -> &'static [f32; N] {
    let weights = match season {
        None => &WITHOUT,
        Some(season) if season < FINE_SEASON => &COARSE,
        Some(_) => &FINE,
    };
    &weights[which]
}

/// Of the means alone.
const fn alone([first, second, third, fourth]: [f32; MEANS]) -> [f32; N] {
    let mut weights = [0.0; N];
    (weights[0], weights[1]) = (first, second);
    (weights[2], weights[3]) = (third, fourth);
    weights
}

const WITHOUT: [[f32; N]; ANCHORS.len()] = [
    alone([0.10, -0.20, 0.19, -0.01]),
    alone([0.23, 0.01, 0.22, -0.02]),
    alone([-0.01, 0.40, 0.37, -0.04]),
    alone([-0.07, 0.78, 0.23, -0.03]),
    alone([-0.47, 0.64, 0.47, -0.02]),
    alone([-0.10, 0.45, 0.49, 0.03]),
];

#[rustfmt::skip]
const COARSE: [[f32; N]; ANCHORS.len()] = [
    [
        0.0, -0.06, 0.07, -0.03, 0.24, 0.02, 0.13, 0.05,
        0.10, 0.07, 0.13, 0.01, 0.56, 0.22, 0.30, 0.02,
    ],
    [
        0.04, -0.03, 0.07, -0.04, 0.22, -0.04, 0.12, 0.07,
        0.12, 0.12, 0.18, 0.01, 0.64, 0.12, 0.34, 0.09,
    ],
    [
        0.02, 0.01, 0.09, -0.06, 0.24, -0.05, 0.07, 0.09,
        0.11, 0.12, 0.13, 0.08, 0.63, 0.05, 0.29, 0.12,
    ],
    [
        0.03, 0.03, 0.14, -0.12, 0.31, -0.04, 0.08, 0.08,
        0.10, 0.16, 0.08, 0.15, 0.56, 0.08, 0.18, 0.06,
    ],
    [
        0.07, -0.02, 0.13, -0.08, 0.28, -0.06, 0.07, 0.02,
        0.11, 0.36, 0.09, 0.22, 0.58, 0.03, 0.14, 0.14,
    ],
    [
        0.09, -0.03, 0.14, -0.08, 0.19, -0.10, 0.06, 0.03,
        0.18, 0.40, 0.08, 0.31, 0.60, 0.04, 0.12, 0.10,
    ],
];

#[rustfmt::skip]
const FINE: [[f32; N]; ANCHORS.len()] = [
    [
        0.09, 0.17, 0.07, -0.01, 0.14, 0.10, 0.03, 0.0,
        0.06, 0.05, 0.01, 0.01, 0.18, 0.12, 0.08, -0.02,
    ],
    [
        0.12, 0.23, 0.11, -0.01, 0.12, 0.06, 0.04, 0.0,
        0.04, 0.03, 0.01, 0.01, 0.20, 0.11, 0.11, -0.02,
    ],
    [
        0.12, 0.27, 0.16, -0.01, 0.13, 0.03, 0.07, 0.0,
        0.03, 0.01, 0.02, 0.01, 0.24, 0.11, 0.15, -0.02,
    ],
    [
        0.10, 0.25, 0.18, 0.0, 0.16, 0.03, 0.09, 0.01,
        0.03, 0.02, 0.01, 0.02, 0.28, 0.12, 0.17, -0.03,
    ],
    [
        0.07, 0.21, 0.19, 0.03, 0.18, 0.01, 0.10, 0.01,
        0.04, 0.04, 0.0, 0.03, 0.35, 0.15, 0.19, -0.02,
    ],
    [
        0.02, 0.20, 0.21, 0.02, 0.23, 0.01, 0.11, 0.02,
        0.02, 0.01, 0.01, 0.03, 0.40, 0.15, 0.22, -0.02,
    ],
];
