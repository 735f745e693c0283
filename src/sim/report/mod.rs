//! A comparison as one page that stands alone: a table and pictures, no script, no network.
//!
//! In: a [`Comparison`]. Out: HTML with SVG inside. Decides nothing and reads no file.

mod charts;
mod frame;
mod fronts;
mod thin;

use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use super::agreement::Agreement;
use super::compare::Comparison;
use super::fronts::Fronts;
use super::replay::Report;
use super::score::Score;
use super::settings::Settings;
use super::workload::Workload;
use crate::time::Duration;
use crate::{Decision, Error};

/// The page: what each policy cost and how often it was too slow, and pictures that show why.
///
/// ```
/// use forescale::sim::{Settings, compare, report, web_service};
///
/// let config = r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///                  "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#;
/// let settings = Settings { scored: "6h".parse()?, ..Settings::default() };
/// let configs = [("HPA".to_owned(), config.to_owned())];
/// let page = report::html(&compare(&web_service(1, 7), &settings, &configs, &|_| {})?)?;
/// assert!(page.starts_with("<!doctype html>") && page.contains("<svg"));
/// assert!(!page.contains("<script") && !page.contains("src="));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Trace`](crate::ErrorKind::Trace) if a picture cannot be drawn: a comparison that was
/// not made by this library, with series of different lengths or without any entry.
pub fn html(comparison: &Comparison) -> Result<String, Error> {
    render(comparison, None)
}

/// The page with the fronts of other ways to scale on it too, and what they cost at the same
/// violations.
///
/// # Errors
/// As [`html`], and for fronts without any sweep.
pub fn html_with_fronts(comparison: &Comparison, fronts: &Fronts) -> Result<String, Error> {
    render(comparison, Some(fronts))
}

fn undrawn(error: String) -> Error {
    Error::trace("report", format!("cannot be drawn: {error}"))
}

fn render(comparison: &Comparison, swept: Option<&Fronts>) -> Result<String, Error> {
    let lanes = comparison.reports.iter().map(lane).collect::<Result<Vec<_>, _>>();
    let page = Page {
        trace: &comparison.trace,
        days: comparison.bounds.clairvoyant.minutes / 1440.0,
        load_per_replica: comparison.settings.load_per_replica.unwrap_or_default(),
        start_up: comparison.settings.start_up.to_string(),
        interval: comparison.settings.interval.to_string(),
        rule: rule(&comparison.settings),
        forecast_every: comparison.settings.forecast_every.to_string(),
        rows: rows(comparison),
        has_record: comparison.reports.iter().any(|report| report.record.is_some()),
        tradeoff: charts::tradeoff(comparison).map_err(undrawn)?,
        has_cost: comparison.settings.price.is_some(),
        fronts: swept.map(|swept| fronts::picture(swept, false)).transpose().map_err(undrawn)?,
        front_rows: swept.map(fronts::rows).unwrap_or_default(),
        lanes: lanes.map_err(undrawn)?,
    };
    let mut pages = Environment::new();
    // The ending makes every text in it escaped.
    pages
        .add_template("page.html", include_str!("page.html"))
        .expect("the template is part of the code");
    let template = pages.get_template("page.html").expect("it was added above");
    template.render(context! { page => Serde(&page) }).map_err(|error| undrawn(error.to_string()))
}

/// What a violation is, in words.
fn rule(settings: &Settings) -> String {
    let late_after = settings.late_after;
    match &settings.workload {
        Workload::FluidQueue => format!(
            "Load that waits longer than {late_after} is late; a minute with late or dropped load is in violation."
        ),
        Workload::Servers(servers) => format!(
            "{} % of the requests are to take {} at most; a minute in which fewer do is in violation.",
            100.0 * servers.quantile,
            servers.objective
        ),
        Workload::BatchServer(server) => format!(
            "A token is to take {} at most; a minute in which one takes longer, or requests wait longer than {late_after}, is in violation.",
            server.objective
        ),
    }
}

/// What the template fills in.
#[derive(Serialize)]
struct Page<'a> {
    trace: &'a str,
    days: f64,
    load_per_replica: f64,
    start_up: String,
    interval: String,
    rule: String,
    forecast_every: String,
    rows: Vec<Row>,
    has_record: bool,
    tradeoff: String,
    has_cost: bool,
    fronts: Option<String>,
    front_rows: Vec<fronts::Row>,
    lanes: Vec<Lane>,
}

/// A line of the table.
#[derive(Serialize)]
struct Row {
    name: String,
    is_bound: bool,
    /// `None` where the clairvoyant pays nothing.
    cost_ratio: Option<f64>,
    score: Score,
    violation_share: f64,
}

/// The pictures of one policy.
#[derive(Serialize)]
struct Lane {
    name: String,
    load: String,
    replicas: String,
    forecast: Option<String>,
    day: String,
    /// All of the replicas beside those recorded.
    recorded: Option<String>,
    agreement: Option<Agreement>,
    actions: Vec<Action>,
    n_actions: usize,
}

/// A change of size, in the timeline.
#[derive(Serialize)]
struct Action {
    at: String,
    from: u32,
    to: u32,
    why: String,
}

/// More changes than this are not listed.
const MOST_ACTIONS: usize = 500;

fn rows(comparison: &Comparison) -> Vec<Row> {
    let bounds = &comparison.bounds;
    let row = |name: String, is_bound, score: &Score| Row {
        name,
        is_bound,
        cost_ratio: (bounds.clairvoyant.replica_hours > 0.0)
            .then(|| score.replica_hours / bounds.clairvoyant.replica_hours),
        score: *score,
        violation_share: score.violation_share(),
    };
    let reports =
        comparison.reports.iter().map(|report| row(report.name.clone(), false, &report.score));
    let constant = format!("best constant size ({})", bounds.constant_replicas);
    let both = [
        row(constant, true, &bounds.constant),
        row("clairvoyant".into(), true, &bounds.clairvoyant),
    ];
    reports.chain(both).collect()
}

fn lane(report: &Report) -> Result<Lane, String> {
    let record = report.record.as_deref();
    let day = charts::busiest(&report.series, Duration::from_secs(86_400));
    let hours = charts::busiest(&report.series, Duration::from_secs(6 * 3600));
    Ok(Lane {
        name: report.name.clone(),
        load: charts::load(report)?,
        replicas: charts::replicas(report, hours, record)?,
        forecast: charts::forecast(report, day.clone())?,
        day: frame::date(day.start),
        recorded: record.map(|record| charts::recorded(report, record)).transpose()?,
        agreement: report.agreement,
        actions: changes(report).take(MOST_ACTIONS).map(action).collect(),
        n_actions: changes(report).count(),
    })
}

fn changes(report: &Report) -> impl Iterator<Item = &Decision> {
    report.decisions.iter().filter(|decision| decision.replicas != decision.current)
}

fn action(decision: &Decision) -> Action {
    let Decision { at, current, replicas, .. } = *decision;
    let sentence = decision.explain();
    // The change stands beside it already.
    let why = sentence.split_once(": ").map_or(sentence.as_str(), |(_, why)| why).to_owned();
    Action { at: frame::date_time(at), from: current, to: replicas, why }
}

impl Report {
    /// The page of this replay alone; see [`html`].
    ///
    /// # Errors
    /// As [`html`].
    pub fn to_html(&self) -> Result<String, Error> {
        let Self { trace, settings, bounds, .. } = self;
        html(&Comparison {
            trace: trace.clone(),
            settings: settings.clone(),
            bounds: *bounds,
            reports: vec![self.clone()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Record, Trace, compare};
    use crate::time::Timestamp;

    /// A page of one configuration on a load that is level.
    fn page(load: f64, settings: &Settings) -> Result<String, Error> {
        let minute = Duration::from_secs(60);
        let trace = Trace::new("level", Timestamp::from_secs(0), minute, vec![load; 60])?;
        let text = r#"{"min_replicas": 0, "max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
                       "policies": [{"kind": "target", "metric": "rps", "target": 5}]}"#;
        let configs = [("mine".to_owned(), text.to_owned())];
        html(&compare(&trace, settings, &configs, &|_| {})?)
    }

    #[test]
    fn a_load_of_zero_has_a_page_too() {
        let settings = Settings { load_per_replica: Some(10.0), ..Settings::default() };
        let page = page(0.0, &settings).unwrap();
        assert!(page.contains("cost: replica-hours (cheaper is left)"));
        assert!(!page.contains("inf") && !page.contains("NaN"));
    }

    #[test]
    fn what_really_ran_and_why_each_change_was_made_are_on_the_page() {
        let settings = Settings {
            load_per_replica: Some(10.0),
            initial_replicas: Some(3),
            decisions: true,
            noise: 0.0,
            missing: 0.0,
            ..Settings::default()
        };
        let trace =
            Trace::new("level", Timestamp::from_secs(0), Duration::from_secs(60), vec![20.0; 60]);
        let text = r#"{"max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
                       "policies": [{"kind": "target", "metric": "rps", "target": 5}]}"#;
        let configs = [("mine".to_owned(), text.to_owned())];
        let comparison = compare(&trace.unwrap(), &settings, &configs, &|_| {}).unwrap();
        assert!(!html(&comparison).unwrap().contains("really ran"));

        let times = (0..60).map(|minute| Timestamp::from_secs(60 * minute)).collect();
        let record = Record::new(times, vec![Some(4.0); 60]).unwrap();
        let page = html(&comparison.against(record).unwrap()).unwrap();
        assert!(page.contains("those that really ran") && page.contains("As recorded in 100.0%"));
        let timeline = page.split_once("1 changes of size").unwrap().1;
        assert!(timeline.contains("<td>1970-01-01 00:40:00</td><td>3 &rarr; 4</td>"), "{timeline}");
        assert!(timeline.contains("target(rps) says 4, as 6.6"), "{timeline}");
    }

    #[test]
    fn the_page_says_what_a_violation_is() {
        let told = |text: &str| page(20.0, &Settings::from_text(text).unwrap()).unwrap();
        assert!(told(r#"{"price": {"per_hour": 1}}"#).contains("waits longer than 1s is late"));
        let servers = told(r#"{"workload": {"kind": "servers"}}"#);
        assert!(servers.contains("95 % of the requests are to take 500ms at most"));
        let batch = told(r#"{"workload": {"kind": "batch_server"}}"#);
        assert!(batch.contains("A token is to take 50ms at most"));
    }

    #[test]
    fn a_capacity_in_the_wrong_unit_is_refused() {
        let settings = Settings { load_per_replica: Some(1e-7), ..Settings::default() };
        let message = page(100.0, &settings).unwrap_err().to_string();
        assert!(
            message.starts_with("`load_per_replica` is 0.0000001, so that the peak of 100"),
            "{message}"
        );
    }
}
