//! Two configurations over the same load, side by side.
//!
//! In: two replays with their decisions. Out: a [`Diff`]: where they differ, by how much, and why.

use std::fmt;

use serde::Serialize;

use super::compare::compare;
use super::moment::date;
use super::replay::Report;
use super::score::Score;
use super::settings::Settings;
use super::trace::Trace;
use crate::Error;
use crate::time::Timestamp;

/// Where the decisions of two configurations differ over the same load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The name of the trace.
    pub trace: String,
    /// The first one.
    pub a: DiffSide,
    /// The second one.
    pub b: DiffSide,
    /// The share of the decisions in which they ask for different sizes, 0 to 1.
    pub differing_share: f64,
    /// Replicas that the second asks for more than the first on average; negative if fewer.
    pub mean_difference: f64,
    /// How often one of them begins to ask for more than the other.
    pub n_stretches: usize,
    /// Of the stretches in which they differ the moment of the largest difference, the largest first.
    pub moments: Vec<DiffMoment>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffSide {
    /// The name of the configuration.
    pub name: String,
    /// What it came to: cost, violations and the rest.
    pub score: Score,
}

/// A stretch of time in which one asks for more than the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffMoment {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// When they differ most.
    pub at: Timestamp,
    /// Load that came then, in the load's unit.
    pub load: f64,
    /// What the first one decided then, and why.
    pub a: DiffAnswer,
    /// What the second one decided then, and why.
    pub b: DiffAnswer,
}

/// What one of the two decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffAnswer {
    /// The size it asked for.
    pub replicas: u32,
    /// One English sentence.
    pub why: String,
}

/// More moments than this are not kept.
const MOST_MOMENTS: usize = 10;

impl Diff {
    /// Two reports of the same trace and plant, with their decisions kept.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one of them was replayed without
    /// [`decisions`](Settings::decisions), [`ErrorKind::Trace`](crate::ErrorKind::Trace) if they are
    /// of different times.
    pub fn between(a: &Report, b: &Report) -> Result<Self, Error> {
        if a.series.start != b.series.start || a.series.load.len() != b.series.load.len() {
            let message = format!("of \"{}\" is another one than that of \"{}\"", b.name, a.name);
            return Err(Error::trace("trace", message));
        }
        let n_ticks = a.series.load.len();
        if a.decisions.len() != n_ticks || b.decisions.len() != n_ticks {
            let message = "is false, must be true for replays that are to be held side by side";
            return Err(Error::config("decisions", message));
        }
        let differences: Vec<i64> = (a.decisions.iter().zip(&b.decisions))
            .map(|(a, b)| i64::from(b.replicas) - i64::from(a.replicas))
            .collect();
        // Runs of one sign: where each begins and ends.
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for (index, difference) in differences.iter().enumerate() {
            match stretches.last_mut() {
                Some((_, end))
                    if *end == index && differences[index - 1].signum() == difference.signum() =>
                {
                    *end = index + 1;
                }
                _ => stretches.push((index, index + 1)),
            }
        }
        stretches.retain(|&(from, _)| differences[from] != 0);
        let n_stretches = stretches.len();
        let mut most: Vec<_> = stretches
            .into_iter()
            .map(|(from, to)| {
                // The first of several alike.
                let at = (from..to).rev().max_by_key(|&index| differences[index].abs());
                (at.unwrap_or(from), from, to)
            })
            .collect();
        most.sort_by_key(|&(at, _, _)| (-differences[at].abs(), at));
        let time = |index: usize| a.series.start + a.series.step.times(index as i64);
        let answer = |report: &Report, index: usize| DiffAnswer {
            replicas: report.decisions[index].replicas,
            why: report.decisions[index].explain(),
        };
        let moments = most.into_iter().take(MOST_MOMENTS).map(|(at, from, to)| DiffMoment {
            from: time(from),
            to: time(to),
            at: time(at),
            load: a.series.load[at],
            a: answer(a, at),
            b: answer(b, at),
        });
        let n_differ = differences.iter().filter(|difference| **difference != 0).count();
        let side = |report: &Report| DiffSide { name: report.name.clone(), score: report.score };
        Ok(Self {
            trace: a.trace.clone(),
            a: side(a),
            b: side(b),
            differing_share: n_differ as f64 / n_ticks.max(1) as f64,
            mean_difference: differences.iter().sum::<i64>() as f64 / n_ticks.max(1) as f64,
            n_stretches,
            moments: moments.collect(),
        })
    }

    /// The comparison as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

/// Replays a trace with two configurations, each as `(name, text)`, and holds their decisions side by
/// side.
///
/// ```
/// use forescale::sim::{Settings, diff, web_service};
///
/// let config = |target| {
///     format!(
///         r#"{{"max_replicas": 60, "metrics": {{"cpu": {{"kind": "utilization"}}}},
///             "policies": [{{"kind": "target", "metric": "cpu", "target": {target}}}]}}"#
///     )
/// };
/// let settings = Settings { scored: "12h".parse()?, ..Settings::default() };
/// let now = ("now".to_owned(), config(0.8));
/// let planned = ("planned".to_owned(), config(0.4));
/// let diff = diff(&web_service(2, 7), &settings, &now, &planned)?;
/// assert!(diff.mean_difference > 1.0 && diff.b.score.replica_hours > diff.a.score.replica_hours);
/// let most = &diff.moments[0];
/// assert!(most.b.replicas > most.a.replicas && most.b.why.contains("target(cpu)"));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// As [`compare`].
pub fn diff(
    trace: &Trace,
    settings: &Settings,
    a: &(String, String),
    b: &(String, String),
) -> Result<Diff, Error> {
    let settings = Settings { decisions: true, ..settings.clone() };
    let comparison = compare(trace, &settings, &[a.clone(), b.clone()], &|_| {})?;
    Diff::between(&comparison.reports[0], &comparison.reports[1])
}

impl fmt::Display for Diff {
    /// Some lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { a, b, .. } = self;
        writeln!(
            f,
            "{}: \"{}\" and \"{}\" differ in {:.1} % of their decisions, {:+.2} replicas on average",
            self.trace,
            a.name,
            b.name,
            100.0 * self.differing_share,
            self.mean_difference
        )?;
        for DiffSide { name, score } in [a, b] {
            write!(
                f,
                "  {name}: {:.1} replica-hours, {:.0} of {:.0} minutes in violation",
                score.replica_hours, score.violation_minutes, score.minutes
            )?;
            match score.cost {
                Some(cost) => writeln!(f, ", cost {cost:.2}")?,
                None => writeln!(f)?,
            }
        }
        for moment in &self.moments {
            writeln!(
                f,
                "  {} (from {} to {}), load {:.1}",
                date(moment.at),
                date(moment.from),
                date(moment.to),
                moment.load
            )?;
            for (side, answer) in [(a, &moment.a), (b, &moment.b)] {
                writeln!(f, "    {}: {}. {}", side.name, answer.replicas, answer.why)?;
            }
        }
        let rest = self.n_stretches - self.moments.len();
        if rest > 0 {
            writeln!(f, "  and {rest} stretches more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Autoscaler;
    use crate::sim::{replay, web_service};

    fn report(target: f64, decisions: bool) -> Report {
        let text = format!(
            r#"{{"max_replicas": 60, "metrics": {{"cpu": {{"kind": "utilization"}}}},
                "policies": [{{"kind": "target", "metric": "cpu", "target": {target}}}]}}"#
        );
        let settings = Settings { scored: "3h".parse().unwrap(), decisions, ..Settings::default() };
        let mut scaler = Autoscaler::from_text(&text).unwrap();
        replay(&mut scaler, &web_service(1, 7), &settings).unwrap()
    }

    #[test]
    fn what_is_alike_differs_nowhere() {
        let one = report(0.6, true);
        let diff = Diff::between(&one, &one).unwrap();
        assert_eq!((diff.differing_share, diff.mean_difference, diff.n_stretches), (0.0, 0.0, 0));
        assert!(diff.moments.is_empty());
    }

    #[test]
    fn the_largest_differences_stand_first_and_both_sides_are_as_replayed() {
        let (a, b) = (report(0.7, true), report(0.5, true));
        let diff = Diff::between(&a, &b).unwrap();
        let size = |moment: &DiffMoment| moment.a.replicas.abs_diff(moment.b.replicas);
        assert!(diff.moments.windows(2).all(|pair| size(&pair[0]) >= size(&pair[1])));
        assert!(diff.moments.len() <= MOST_MOMENTS && diff.n_stretches >= diff.moments.len());
        let most = &diff.moments[0];
        assert!(most.from <= most.at && most.at < most.to);
        let moment = a.explain(most.at).unwrap();
        assert_eq!((moment.decision.replicas, moment.load), (most.a.replicas, most.load));
        let wanted =
            (a.decisions.iter().zip(&b.decisions)).map(|(a, b)| a.replicas.abs_diff(b.replicas));
        assert_eq!(wanted.max(), Some(size(most)));
        let told = diff.to_string();
        assert!(told.contains("minutes in violation") && told.contains(&most.b.why), "{told}");
    }

    #[test]
    fn replays_without_decisions_cannot_be_told() {
        let bare = report(0.7, false);
        let error = Diff::between(&bare, &bare).unwrap_err().to_string();
        assert_eq!(
            error,
            "`decisions` is false, must be true for replays that are to be held side by side"
        );
        let at = bare.series.start;
        assert!(bare.explain(at).unwrap_err().to_string().starts_with("`decisions` is false"));
        let late = at + "9h".parse().unwrap();
        assert!(bare.explain(late).unwrap_err().to_string().contains("which was replayed"));
    }
}
