//! A comparison as one page that stands alone: a table and pictures, no script, no network.
//!
//! In: a [`Comparison`]. Out: HTML with SVG inside. Decides nothing and reads no file.

mod charts;
mod frame;
mod thin;

use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use super::compare::Comparison;
use super::replay::Report;
use super::score::Score;
use crate::Error;
use crate::time::Duration;

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
    let undrawn = |error: String| Error::trace("report", format!("cannot be drawn: {error}"));
    let lanes = comparison.reports.iter().map(lane).collect::<Result<Vec<_>, _>>();
    let page = Page {
        trace: &comparison.trace,
        days: comparison.bounds.clairvoyant.minutes / 1440.0,
        load_per_replica: comparison.settings.load_per_replica.unwrap_or_default(),
        start_up: comparison.settings.start_up.to_string(),
        interval: comparison.settings.interval.to_string(),
        late_after: comparison.settings.late_after.to_string(),
        forecast_every: comparison.settings.forecast_every.to_string(),
        rows: rows(comparison),
        tradeoff: charts::tradeoff(comparison).map_err(undrawn)?,
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

/// What the template fills in.
#[derive(Serialize)]
struct Page<'a> {
    trace: &'a str,
    days: f64,
    load_per_replica: f64,
    start_up: String,
    interval: String,
    late_after: String,
    forecast_every: String,
    rows: Vec<Row>,
    tradeoff: String,
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
}

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
    let day = charts::busiest(&report.series, Duration::from_secs(86_400));
    let hours = charts::busiest(&report.series, Duration::from_secs(6 * 3600));
    Ok(Lane {
        name: report.name.clone(),
        load: charts::load(report)?,
        replicas: charts::replicas(report, hours)?,
        forecast: charts::forecast(report, day.clone())?,
        day: frame::date(day.start),
    })
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
    use crate::sim::{Settings, Trace, compare};
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
    fn a_capacity_in_the_wrong_unit_is_refused() {
        let settings = Settings { load_per_replica: Some(1e-7), ..Settings::default() };
        let message = page(100.0, &settings).unwrap_err().to_string();
        assert!(
            message.starts_with("`load_per_replica` is 0.0000001, so that the peak of 100"),
            "{message}"
        );
    }
}
