//! Several ways to scale over the same load, each over the range of its knob.
//!
//! In: a trace, a plant, [`Contender`]s and configurations of one's own. Out: [`Fronts`]. Knows no law.

use serde::Serialize;

use super::bounds::Bounds;
use super::contender::{Contender, Entry};
use super::front::Front;
use super::replay::Scene;
use super::score::Score;
use super::settings::Settings;
use super::trace::Trace;
use crate::{Autoscaler, Error};

/// The fronts of several ways to scale on one trace and plant: violations against replica-hours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fronts {
    /// The name of the trace.
    pub trace: String,
    /// The settings of the plant, with the load per replica filled in.
    pub settings: Settings,
    /// What knowing the load would have cost, and the best constant size.
    pub bounds: Bounds,
    /// A sweep for each, in their order.
    pub sweeps: Vec<Sweep>,
}

/// One way to scale over the range of its knob.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// Each setting that was tried, in the order of the knob.
    pub points: Vec<SweepPoint>,
    /// Those worth having: violation share against replica-hours. The indexes are those of `points`.
    pub front: Front,
}

/// One setting and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// What was set.
    pub label: String,
    /// What it came to.
    pub score: Score,
}

/// Several settings of one's own under one name, each as `(label, configuration)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// The name in the result.
    pub name: String,
    /// The settings, by their labels.
    pub configs: Vec<(String, String)>,
}

impl Fronts {
    /// The sweep of that name.
    #[must_use]
    pub fn sweep(&self, name: &str) -> Option<&Sweep> {
        self.sweeps.iter().find(|sweep| sweep.name == name)
    }

    /// The share of the gap between one way to scale and clairvoyance that another one closes at so
    /// many violations, as a share of the minutes; see [`Front::gap_closed`]. `None` too where one of
    /// the names is unknown.
    #[must_use]
    pub fn gap_closed(&self, violation_share: f64, by: &str, from: &str) -> Option<f64> {
        let (by, from) = (self.sweep(by)?, self.sweep(from)?);
        by.front.gap_closed(violation_share, &from.front, self.bounds.clairvoyant.replica_hours)
    }

    /// The fronts as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

/// Replays a trace with every setting of some contenders and of families of one's own, on all cores
/// with the feature `parallel`. `progress` hears of each setting that is done.
///
/// ```
/// use forescale::sim::{Contender, Settings, fronts, web_service};
///
/// let settings = Settings { scored: "6h".parse()?, ..Settings::default() };
/// let contenders = [Contender::Hpa, Contender::StaticPeak];
/// let fronts = fronts(&web_service(2, 7), &settings, &contenders, &[], &|| {})?;
/// let cheapest = |name: &str| fronts.sweep(name).expect("it was asked for").front.cost(0.01);
/// // A size that never changes is paid at night too.
/// assert!(cheapest("hpa") < cheapest("static_peak"));
/// assert!(fronts.gap_closed(0.01, "hpa", "static_peak").is_some_and(|share| share > 0.0));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// As [`replay`](super::replay); an error in a configuration begins with its family and label.
pub fn fronts(
    trace: &Trace,
    settings: &Settings,
    contenders: &[Contender],
    families: &[Family],
    progress: &(dyn Fn() + Sync),
) -> Result<Fronts, Error> {
    let scene = Scene::new(trace, settings)?;
    let mut all = Vec::new();
    for contender in contenders {
        all.push((contender.name().to_owned(), contender.entries(&scene)?));
    }
    for Family { name, configs } in families {
        let entries = configs.iter().map(|(label, text)| {
            let scaler = Autoscaler::from_text(text).map_err(|error| error.at(label).at(name))?;
            Ok(Entry { label: label.clone(), scaler })
        });
        all.push((name.clone(), entries.collect::<Result<Vec<_>, Error>>()?));
    }
    let bounds = Bounds::of(&scene);
    let mut flat: Vec<_> = all.iter_mut().flat_map(|(_, entries)| entries.iter_mut()).collect();
    let play = |entry: &mut &mut Entry| {
        let score = scene.score(&mut entry.scaler).map_err(|error| error.at(&entry.label));
        progress();
        score
    };
    #[cfg(feature = "parallel")]
    let scores: Vec<_> = {
        use rayon::prelude::*;
        flat.par_iter_mut().map(play).collect()
    };
    #[cfg(not(feature = "parallel"))]
    let scores: Vec<_> = flat.iter_mut().map(play).collect();
    let mut scores = scores.into_iter();
    let mut sweeps = Vec::new();
    for (name, entries) in &all {
        let points = entries.iter().zip(scores.by_ref()).map(|(entry, score)| {
            let score = score.map_err(|error| error.at(name))?;
            Ok(SweepPoint { label: entry.label.clone(), score })
        });
        let points = points.collect::<Result<Vec<_>, Error>>()?;
        let pair = |point: &SweepPoint| (point.score.violation_share(), point.score.replica_hours);
        sweeps.push(Sweep {
            name: name.clone(),
            front: Front::of(points.iter().map(pair)),
            points,
        });
    }
    let settings = scene.settings.clone();
    Ok(Fronts { trace: trace.name.clone(), settings, bounds, sweeps })
}
