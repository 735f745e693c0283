//! From what each policy wants to what all of them want together.
//!
//! In: the policies with the settings they all share ([`PolicyEntry`]), asked in their order. Out: one
//! number of replicas, or none. Knows no member of any room, no limits and nothing of zero.

mod entry;
mod voter;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::catalog::{settings, take_kind, unknown_kind};
use crate::explain::{Reason, codes};
pub use entry::{Direction, PolicyEntry};
pub(crate) use voter::{Vote, Voter};

/// How the proposals of several policies become one.
///
/// A policy without an opinion takes no part. One that cannot read its metric has no say in scaling
/// up; in scaling down it counts as content with what there is.
///
/// ```
/// use forescale::combine::Combine;
///
/// let votes = [12, 9, 7]; // with 8 replicas: two of three want more
/// assert_eq!(Combine::Maximum.choose(8, &votes), 12);
/// assert_eq!(Combine::KOfN { scale_up: 2, scale_down: 2 }.choose(8, &votes), 9);
/// assert_eq!(Combine::All.choose(8, &votes), 8);
/// assert_eq!(Combine::Priority.choose(8, &[7, 12]), 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = crate::catalog::or_text))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combine {
    /// The highest proposal: up if any policy wants more, down only if all want fewer. As the
    /// Kubernetes HPA over its metrics, and AWS over target tracking policies.
    #[default]
    Maximum,
    /// Only what all agree on, by the smallest change that any of them wants: up if all want more,
    /// down if all want fewer. The "and" of metrics that the HPA lacks (kubernetes#80783).
    All,
    /// What enough of them agree on: up to what at least `scale_up` of them want at the least, else
    /// down to what at least `scale_down` of them are content with. Where both hold, up goes first.
    KOfN {
        /// So many must want more; from 1 to the number of policies, schedules not counted.
        scale_up: u32,
        /// So many must want fewer; from 1 to the number of policies, schedules not counted.
        scale_down: u32,
    },
    /// The first in the order of the configuration that has an opinion. One behind it that cannot
    /// read its metric keeps it from nothing.
    Priority,
}

impl Combine {
    /// The kinds, as the configuration names them.
    pub const KINDS: &'static [&'static str] = &["maximum", "all", "k_of_n", "priority"];

    /// The replicas that come of the proposals, in the order of their policies; `current` where
    /// there are none or they do not agree.
    #[must_use]
    pub fn choose(self, current: u32, proposals: &[u32]) -> u32 {
        let most = proposals.len();
        match self {
            Self::Maximum => proposals.iter().copied().max().unwrap_or(current),
            Self::All => agreed(current, proposals, most, most),
            Self::KOfN { scale_up, scale_down } => {
                agreed(current, proposals, scale_up as usize, scale_down as usize)
            }
            Self::Priority => proposals.first().copied().unwrap_or(current),
        }
    }

    /// How many policies that cannot read their metric may stop what would scale down, of all votes in
    /// the order of the policies.
    pub(crate) fn n_blocking(self, votes: &[Vote]) -> usize {
        let blocking = |votes: &[Vote]| votes.iter().filter(|vote| **vote == Vote::Blocks).count();
        match self {
            Self::Maximum | Self::All => blocking(votes),
            // Those that can be read are enough of them.
            Self::KOfN { .. } => 0,
            // Content or not, it has no say once one before it has spoken.
            Self::Priority => {
                let spoken = votes.iter().position(|vote| matches!(vote, Vote::Replicas(..)));
                blocking(&votes[..spoken.unwrap_or(votes.len())])
            }
        }
    }

    /// As [`choose`](Self::choose), where [`n_blocking`](Self::n_blocking) policies may block: `None` if
    /// that stops what would scale down. With the reason, unless the only proposal is simply taken.
    pub(crate) fn decide(
        self,
        current: u32,
        proposals: &[u32],
        n_blocking: usize,
    ) -> (Option<u32>, Option<Reason>) {
        let chosen = self.choose(current, proposals);
        if n_blocking > 0 && chosen < current {
            let facts = [("n_blocking", n_blocking as f64)];
            return (None, Some(Reason::new(codes::SCALE_DOWN_BLOCKED, facts)));
        }
        let n_proposals = ("n_proposals", proposals.len() as f64);
        let wanting = |more: bool| {
            proposals.iter().filter(|&&n| (n > current) == more && n != current).count()
        };
        let reason = match self {
            _ if proposals.len() == 1 && chosen == proposals[0] => return (Some(chosen), None),
            Self::Maximum => Reason::new(codes::HIGHEST_PROPOSAL, [n_proposals]),
            Self::Priority => Reason::new(codes::FIRST_PROPOSAL, [n_proposals]),
            Self::All | Self::KOfN { .. } => {
                let facts = [
                    n_proposals,
                    ("n_up", wanting(true) as f64),
                    ("n_down", wanting(false) as f64),
                ];
                let code = if chosen == current { codes::NO_AGREEMENT } else { codes::AGREEMENT };
                Reason::new(code, facts)
            }
        };
        (Some(chosen), Some(reason))
    }

    /// The proposals that take part, into `proposals`: in a named group those that are content only if
    /// all of the group are (see [`PolicyEntry::group`]).
    pub(crate) fn partaking<'a>(
        current: u32,
        votes: impl Iterator<Item = (Option<&'a str>, Vote)> + Clone,
        proposals: &mut Vec<u32>,
    ) {
        proposals.clear();
        let proposal = |vote| match vote {
            Vote::Replicas(replicas, _) => Some(replicas),
            _ => None,
        };
        for (group, vote) in votes.clone() {
            let Some(replicas) = proposal(vote) else { continue };
            let counts = replicas != current || group.is_none() || {
                let of_group = votes.clone().filter(|(other, _)| *other == group);
                of_group.map(|(_, vote)| proposal(vote)).all(|other| other == Some(current))
            };
            if counts {
                proposals.push(replicas);
            }
        }
    }

    /// Refuses what `n_policies` can never fulfil.
    pub(crate) fn check(self, n_policies: usize) -> Result<(), Error> {
        let Self::KOfN { scale_up, scale_down } = self else {
            return Ok(());
        };
        for (field, k) in [("scale_up", scale_up), ("scale_down", scale_down)] {
            if k == 0 || k as usize > n_policies {
                let message =
                    format!("is {k}, must be from 1 to the number of policies, {n_policies}");
                return Err(Error::config(field, message));
            }
        }
        Ok(())
    }
}

/// What `k_up` of the proposals, or else `k_down` of them, agree on. Quadratic, as there are few and
/// nothing may be allocated.
fn agreed(current: u32, proposals: &[u32], k_up: usize, k_down: usize) -> u32 {
    let at_least = |n: u32| proposals.iter().filter(|&&other| other >= n).count();
    let at_most = |n: u32| proposals.iter().filter(|&&other| other <= n).count();
    let all = || proposals.iter().copied();
    let up = all().filter(|&n| n > current && at_least(n) >= k_up).max();
    up.or_else(|| all().filter(|&n| n < current && at_most(n) >= k_down).min()).unwrap_or(current)
}

impl<'de> Deserialize<'de> for Combine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Enough {
            scale_up: u32,
            scale_down: u32,
        }
        let (kind, rest) = take_kind(deserializer, Self::KINDS)?;
        let plain = match kind.as_str() {
            "maximum" => Self::Maximum,
            "all" => Self::All,
            "priority" => Self::Priority,
            "k_of_n" => {
                let Enough { scale_up, scale_down } = settings(rest)?;
                return Ok(Self::KOfN { scale_up, scale_down });
            }
            _ => return Err(unknown_kind(&kind, Self::KINDS, &[])),
        };
        settings::<Nothing, _>(rest).map(|_| plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_become_one() {
        let k_of_n = |scale_up, scale_down| Combine::KOfN { scale_up, scale_down };
        for (combine, proposals, want) in [
            (Combine::Maximum, &[12, 9, 7][..], 12),
            (Combine::Maximum, &[7, 6], 7),
            (Combine::Maximum, &[], 8),
            (Combine::All, &[12, 9], 9),
            (Combine::All, &[12, 8], 8),
            (Combine::All, &[12, 7], 8),
            (Combine::All, &[5, 7], 7),
            (Combine::All, &[], 8),
            (k_of_n(1, 3), &[12, 9, 7], 12), // the maximum in other words
            (k_of_n(1, 3), &[7, 6, 8], 8),
            (k_of_n(1, 3), &[7, 6, 3], 7),
            (k_of_n(2, 2), &[12, 9, 7], 9),
            (k_of_n(2, 2), &[12, 5, 7], 7),
            (k_of_n(2, 2), &[12], 8),     // the others have no opinion
            (k_of_n(1, 1), &[12, 5], 12), // up goes first
            (k_of_n(2, 1), &[12, 5], 5),
            (Combine::Priority, &[7, 12], 7),
            (Combine::Priority, &[], 8),
        ] {
            assert_eq!(combine.choose(8, proposals), want, "{combine:?} of {proposals:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_blocks_scaling_down_only() {
        let (blocks, seven) = (Vote::Blocks, Vote::Replicas(7, 7.0));
        for combine in [Combine::Maximum, Combine::All, Combine::Priority] {
            assert_eq!(combine.n_blocking(&[blocks, seven]), 1, "{combine:?}");
            assert_eq!(combine.decide(8, &[5], 1).0, None, "{combine:?}");
            assert_eq!(combine.decide(8, &[9], 1).0, Some(9), "{combine:?}");
        }
        let two = Combine::KOfN { scale_up: 2, scale_down: 2 };
        assert_eq!(two.n_blocking(&[blocks, seven]), 0, "two of three are enough");
        assert_eq!(Combine::Maximum.n_blocking(&[seven, blocks]), 1);
        assert_eq!(Combine::Priority.n_blocking(&[seven, blocks]), 0);
    }
}
