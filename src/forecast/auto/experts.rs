//! Who is asked where the load goes, and what each says.
//!
//! In: the features of a step ahead. Out: the distance from now that each expert expects. Knows
//! nothing of who was right.

use serde::{Deserialize, Serialize};

use super::memory::{FINE_SEASON, Features, PROFILE, SEASON, SLOW};
use super::seek::Seasons;

/// Who says where the load goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExpertKind {
    /// A ridge regression on the means of the last while, on the season ago, the mean course of the
    /// slow season and of the season, and on how far the present lies from each; kept up to date.
    Ridge,
    /// The same on the means alone.
    Autoregression,
    /// The same with the weights that loads have in common, fixed beforehand.
    Prior,
    /// The same time one season ago, and half of what the last while was away from it.
    SeasonalNaive,
    /// The mean course of the season, and what the last while was away from it.
    Profile,
    /// The mean course of the slow season, and half of what the last season was away from it.
    SlowSeason,
    /// As now.
    Naive,
    /// The mean of the last 18 steps.
    Level,
    /// Half of the season ago, half of the profile on the level of the last season.
    SeasonAndProfile,
    /// The same time one season ago, and what the mean course of the slow season changes from there:
    /// Monday's course from Sunday's. Of seasons of fewer than a hundred steps.
    DoubleSeason,
}

impl ExpertKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Ridge,
        Self::Autoregression,
        Self::Prior,
        Self::SeasonalNaive,
        Self::Profile,
        Self::SlowSeason,
        Self::Naive,
        Self::Level,
        Self::SeasonAndProfile,
        Self::DoubleSeason,
    ];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ridge => "ridge",
            Self::Autoregression => "autoregression",
            Self::Prior => "prior",
            Self::SeasonalNaive => "seasonal_naive",
            Self::Profile => "profile",
            Self::SlowSeason => "slow_season",
            Self::Naive => "naive",
            Self::Level => "level",
            Self::SeasonAndProfile => "season_and_profile",
            Self::DoubleSeason => "double_season",
        }
    }

    /// Whether it has an opinion with these seasons.
    pub(super) fn is_awake(self, seasons: Seasons) -> bool {
        match self {
            Self::SeasonalNaive | Self::Profile | Self::SeasonAndProfile => {
                seasons.season.is_some()
            }
            Self::SlowSeason => seasons.slow.is_some(),
            Self::DoubleSeason => seasons.slow.is_some() && seasons.season < Some(FINE_SEASON),
            _ => true,
        }
    }
}

/// How many there are.
pub(super) const N_EXPERTS: usize = ExpertKind::ALL.len();

/// What each expert says of the distance from now, given what the two regressions and their prior say.
pub(super) fn opinions(
    (ridge, autoregression): (f32, f32),
    prior: f32,
    f: &Features,
) -> [f32; N_EXPERTS] {
    [
        ridge,
        autoregression,
        prior,
        f[SEASON] + 0.5 * f[SEASON + 2],
        f[PROFILE] + f[PROFILE + 2],
        f[SLOW] + 0.5 * f[SLOW + 3],
        0.0,
        f[2],
        0.5 * (f[SEASON] + f[PROFILE] + f[PROFILE + 3]),
        f[SEASON] + f[SLOW + 1],
    ]
}
