//! Several configurations on the same load.
//!
//! In: a trace, a plant, configurations by name. Out: a [`Comparison`], its reports in the order of
//! the configurations, whatever the number of cores.

use std::sync::Arc;

use serde::Serialize;

use super::agreement::Record;
use super::bounds::Bounds;
use super::replay::{Report, Scene};
use super::settings::Settings;
use super::trace::Trace;
use crate::{Autoscaler, Error};

/// The reports of several configurations on one trace, and the bounds they lie between.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The name of the trace.
    pub trace: String,
    /// The settings of the plant, with the load per replica filled in.
    pub settings: Settings,
    /// What knowing the load would have cost, and what a policy should beat.
    pub bounds: Bounds,
    /// A report for each configuration, in their order.
    pub reports: Vec<Report>,
}

impl Comparison {
    /// Each report held against what really ran.
    ///
    /// # Errors
    /// As [`Report::against`].
    pub fn against(mut self, record: impl Into<Arc<Record>>) -> Result<Self, Error> {
        let record = record.into();
        let reports = self.reports.into_iter().map(|report| report.against(Arc::clone(&record)));
        self.reports = reports.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The comparison as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

/// How many decisions one replay of the trace takes; for a progress bar.
///
/// # Errors
/// As [`replay`](super::replay).
pub fn n_ticks(trace: &Trace, settings: &Settings) -> Result<usize, Error> {
    Ok(Scene::new(trace, settings)?.loads.len())
}

/// Replays a trace against each of the configurations, given as `(name, text)`; on all cores with
/// the feature `parallel`. `progress` hears how many more decisions have been made.
///
/// ```
/// use forescale::sim::{Settings, compare, web_service};
///
/// let config = |target| {
///     format!(
///         r#"{{"max_replicas": 60, "metrics": {{"cpu": {{"kind": "utilization"}}}},
///             "policies": [{{"kind": "target", "metric": "cpu", "target": {target}}}]}}"#
///     )
/// };
/// let settings = Settings { scored: "12h".parse()?, ..Settings::default() };
/// let configs = [("careful".to_owned(), config(0.4)), ("tight".to_owned(), config(0.8))];
/// let comparison = compare(&web_service(2, 7), &settings, &configs, &|_| {})?;
/// let [careful, tight] = &comparison.reports[..] else { unreachable!() };
/// assert!(careful.score.replica_hours > tight.score.replica_hours);
/// assert!(careful.score.violation_minutes <= tight.score.violation_minutes);
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// As [`replay`](super::replay); an error in a configuration begins with its name.
pub fn compare(
    trace: &Trace,
    settings: &Settings,
    configs: &[(String, String)],
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Comparison, Error> {
    let scene = Scene::new(trace, settings)?;
    // Refused before the long work begins.
    let mut scalers = configs
        .iter()
        .map(|(name, text)| {
            Ok((name, Autoscaler::from_text(text).map_err(|error| error.at(name))?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let bounds = Bounds::of(&scene);
    let replay = |(name, scaler): &mut (&String, Autoscaler)| {
        scene.report(name, scaler, bounds, progress).map_err(|error| error.at(name))
    };
    #[cfg(feature = "parallel")]
    let reports: Result<Vec<_>, Error> = {
        use rayon::prelude::*;
        scalers.par_iter_mut().map(replay).collect()
    };
    #[cfg(not(feature = "parallel"))]
    let reports: Result<Vec<_>, Error> = scalers.iter_mut().map(replay).collect();
    Ok(Comparison {
        trace: trace.name.clone(),
        settings: scene.settings.clone(),
        bounds,
        reports: reports?,
    })
}
