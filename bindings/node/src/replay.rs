//! A replay off the main thread.
//!
//! In: settings as text, a `Trace`. Out: a promise of a report. The work runs on a thread of
//! libuv's pool, so that the event loop goes on.

use forescale::sim::{self, Settings};
use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Env, Float64ArraySlice, Result};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;

/// A recorded load, and what is known besides.
#[napi]
#[derive(Debug)]
pub struct Trace(pub(crate) sim::Trace);

#[napi]
impl Trace {
    /// From times and values; a NaN is a hole.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        name: String,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<Self> {
        let (times, values) = convert::samples(&times, &values);
        sim::Trace::from_samples(name, &times, &values)
            .map(Self)
            .map_err(|error| raise(env, &error))
    }

    /// The same with values that each hold until the next.
    #[napi]
    pub fn with_known(
        &self,
        env: &Env,
        name: String,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<Self> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        let whole = self.0.clone().with_known(name, &times, &values);
        whole.map(Self).map_err(|error| raise(env, &error))
    }
}

/// Replays the load with the configuration; a promise.
#[napi]
pub fn replay(
    env: &Env,
    config: String,
    plant: String,
    trace: &Trace,
) -> Result<AsyncTask<Replay>> {
    let replay = || {
        Ok(Replay {
            scaler: forescale::Autoscaler::from_text(&config)?,
            settings: Settings::from_text(&plant)?,
            trace: trace.0.clone(),
        })
    };
    replay().map(AsyncTask::new).map_err(|error| raise(env, &error))
}

/// What runs on the pool.
#[derive(Debug)]
pub struct Replay {
    scaler: forescale::Autoscaler,
    settings: Settings,
    trace: sim::Trace,
}

impl Task for Replay {
    type Output = std::result::Result<sim::Report, forescale::Error>;
    type JsValue = Report;

    fn compute(&mut self) -> Result<Self::Output> {
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        Ok(sim::replay(&mut self.scaler, &self.trace, &self.settings))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Report> {
        output.map(Report).map_err(|error| raise(&env, &error))
    }
}

/// What a replay came to.
#[napi]
#[derive(Debug)]
pub struct Report(sim::Report);

#[napi]
impl Report {
    /// The report held against sizes that really ran; a NaN is a hole in the record.
    #[napi]
    pub fn against(
        &self,
        env: &Env,
        times: Float64ArraySlice,
        replicas: Float64ArraySlice,
    ) -> Result<Self> {
        let times = times.iter().copied().map(convert::timestamp).collect();
        let record = sim::Record::new(times, replicas.iter().copied().map(Some).collect());
        let report = record.and_then(|record| self.0.clone().against(record));
        report.map(Self).map_err(|error| raise(env, &error))
    }

    /// One moment of it: JSON text, and sentences.
    #[napi]
    pub fn explain(&self, env: &Env, at: f64) -> Result<Vec<String>> {
        let moment = self.0.explain(convert::timestamp(at));
        let moment = moment.map_err(|error| raise(env, &error))?;
        Ok(vec![moment.to_json(), moment.explain()])
    }

    /// The report as JSON text.
    #[napi]
    pub fn json(&self) -> String {
        self.0.to_json()
    }

    /// The report as one HTML file.
    #[napi]
    pub fn html(&self, env: &Env) -> Result<String> {
        self.0.to_html().map_err(|error| raise(env, &error))
    }
}

/// Sweeps contenders and families of one's own, given as name, label and configuration in turn; a
/// promise. Without contenders all of them are swept.
#[napi]
pub fn fronts(
    env: &Env,
    plant: String,
    trace: &Trace,
    contenders: Option<Vec<String>>,
    families: Vec<Vec<String>>,
) -> Result<AsyncTask<SweepAll>> {
    let sweep = || {
        let named = |names: Vec<String>| {
            names
                .iter()
                .map(|name| sim::Contender::from_name(name))
                .collect::<std::result::Result<_, _>>()
        };
        let mut own: Vec<sim::Family> = Vec::new();
        for row in families {
            let mut row = row.into_iter();
            let mut next = || row.next().unwrap_or_default();
            let (name, config) = (next(), (next(), next()));
            match own.last_mut() {
                Some(family) if family.name == name => family.configs.push(config),
                _ => own.push(sim::Family { name, configs: vec![config] }),
            }
        }
        Ok(SweepAll {
            contenders: contenders.map_or(Ok(sim::Contender::ALL.to_vec()), named)?,
            families: own,
            settings: Settings::from_text(&plant)?,
            trace: trace.0.clone(),
        })
    };
    sweep().map(AsyncTask::new).map_err(|error| raise(env, &error))
}

/// What runs on the pool.
#[derive(Debug)]
pub struct SweepAll {
    contenders: Vec<sim::Contender>,
    families: Vec<sim::Family>,
    settings: Settings,
    trace: sim::Trace,
}

impl Task for SweepAll {
    type Output = std::result::Result<sim::Fronts, forescale::Error>;
    type JsValue = Fronts;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(sim::fronts(&self.trace, &self.settings, &self.contenders, &self.families, &|| {}))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Fronts> {
        output.map(Fronts).map_err(|error| raise(&env, &error))
    }
}

/// The fronts of several ways to scale.
#[napi]
#[derive(Debug)]
pub struct Fronts(sim::Fronts);

#[napi]
impl Fronts {
    /// The least cost at so many violations, in replica-hours.
    #[napi]
    pub fn cost(&self, name: String, violation_share: f64) -> Option<f64> {
        self.0.sweep(&name)?.front.cost(violation_share)
    }

    /// The share of the gap from one way to scale to clairvoyance that another one closes.
    #[napi]
    pub fn gap_closed(&self, violation_share: f64, by: String, than: String) -> Option<f64> {
        self.0.gap_closed(violation_share, &by, &than)
    }

    /// The fronts as JSON text.
    #[napi]
    pub fn json(&self) -> String {
        self.0.to_json()
    }

    /// The picture.
    #[napi]
    pub fn svg(&self, env: &Env) -> Result<String> {
        self.0.to_svg().map_err(|error| raise(env, &error))
    }
}

/// Two configurations over the same load, each as name and text: JSON text, and lines for people; a
/// promise.
#[napi]
pub fn diff(
    env: &Env,
    configs: Vec<Vec<String>>,
    plant: String,
    trace: &Trace,
) -> Result<AsyncTask<SideBySide>> {
    let mut configs = configs.into_iter().map(|pair| {
        let mut pair = pair.into_iter();
        (pair.next().unwrap_or_default(), pair.next().unwrap_or_default())
    });
    let mut next = || configs.next().unwrap_or_default();
    let pair = (next(), next());
    let side_by_side =
        || Ok(SideBySide { pair, settings: Settings::from_text(&plant)?, trace: trace.0.clone() });
    side_by_side().map(AsyncTask::new).map_err(|error| raise(env, &error))
}

/// What runs on the pool.
#[derive(Debug)]
pub struct SideBySide {
    pair: ((String, String), (String, String)),
    settings: Settings,
    trace: sim::Trace,
}

impl Task for SideBySide {
    type Output = std::result::Result<sim::Diff, forescale::Error>;
    type JsValue = Vec<String>;

    fn compute(&mut self) -> Result<Self::Output> {
        Ok(sim::diff(&self.trace, &self.settings, &self.pair.0, &self.pair.1))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Vec<String>> {
        let diff = output.map_err(|error| raise(&env, &error))?;
        Ok(vec![diff.to_json(), diff.to_string()])
    }
}
