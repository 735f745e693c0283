//! Watches a load as it comes, tells each alarm at once, and draws what it saw.
//!
//!     cargo watch-load                  # a load made up for show, with a flash crowd and an outage
//!     cargo watch-load your.csv         # columns `timestamp,value`, plain or gzip
//!
//! Leaves one self-contained page, `watch.html` (`--out` puts it elsewhere): the load, what was expected of it, and the
//! alarms. Nothing of the load is known before it comes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use forescale::Timestamp;
use forescale::detect::{Anomaly, DetectorConfig, Model};
use forescale::sim::{Trace, web_service};
use plotters::prelude::*;

/// Watch a load as it comes, tell each alarm at once, and draw what was seen.
#[derive(Parser)]
#[command(name = "watch-load", version)]
struct Arguments {
    /// CSV of time and load, plain or gzip [default: three generated weeks of a web service]
    trace: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, default_value = "watch.html")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("watch-load: {message}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let trace = match &arguments.trace {
        Some(path) => read(path)?,
        None => web_service(3, 7),
    };
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", trace.name);
    let seen = watch(&trace).map_err(|error| told(&error))?;
    let alarms: Vec<_> = seen.iter().filter(|seen| seen.is_anomaly).collect();
    for alarm in &alarms {
        println!("{}  score {:.2}  {}", clock(alarm.at), alarm.score, alarm.reason);
    }
    println!("{} alarms in {} values of {}", alarms.len(), seen.len(), trace.name);
    let page = html(&trace, &seen).map_err(|error| told(&error))?;
    let out = &arguments.out;
    fs::write(out, page).map_err(|error| format!("{}: {error}", out.display()))?;
    println!("{}", out.display());
    Ok(())
}

fn read(path: &Path) -> Result<Trace, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let name = path.file_name().map_or("load".into(), |name| name.to_string_lossy().into_owned());
    let name = name.split('.').next().unwrap_or("load").to_owned();
    let file = fs::File::open(path).map_err(|error| told(&error))?;
    Trace::from_csv(name, file).map_err(|error| told(&error))
}

/// Each value, as it comes.
fn watch(trace: &Trace) -> Result<Vec<Anomaly>, forescale::Error> {
    let mut model = Model::new(DetectorConfig::default(), trace.step)?;
    let times = (0..trace.values.len()).map(|index| trace.start + trace.step.times(index as i64));
    times.zip(&trace.values).map(|(at, &value)| model.score(at, Some(value))).collect()
}

fn html(trace: &Trace, seen: &[Anomaly]) -> Result<String, Box<dyn Error>> {
    let mut rows = String::new();
    for alarm in seen.iter().filter(|seen| seen.is_anomaly) {
        let (at, kind) = (clock(alarm.at), alarm.kind.map_or("", |kind| kind.name()));
        rows += &format!("<tr><td>{at}<td>{kind}<td>{:.2}<td>{}", alarm.score, alarm.reason);
    }
    Ok(format!(
        "<!doctype html><meta charset=utf-8><title>{name}</title>\
         <style>body{{font:14px system-ui;margin:2em}}td,th{{padding:.2em .8em;text-align:left}}</style>\
         <h1>{name}</h1>{}<table><tr><th>when (UTC)<th>what<th>score<th>why{rows}</table>\n",
        picture(seen)?,
        name = trace.name,
    ))
}

/// The last two weeks: the band that was expected, the load, and a mark for each alarm.
fn picture(seen: &[Anomaly]) -> Result<String, Box<dyn Error>> {
    let days = |at: Timestamp| at.as_millis() as f64 / 86_400_000.0;
    let last = days(seen.last().ok_or("the load has no value")?.at);
    let seen: Vec<_> = seen.iter().filter(|seen| days(seen.at) > last - 14.0).collect();
    let highest = seen.iter().filter_map(|seen| seen.value).fold(f64::MIN, f64::max);
    let lowest = seen.iter().filter_map(|seen| seen.value).fold(f64::MAX, f64::min).min(0.0);
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, (1200, 420)).into_drawing_area();
        let mut chart = ChartBuilder::on(&canvas)
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(days(seen[0].at)..last, lowest..1.05 * highest)?;
        let day = |at: &f64| clock(Timestamp::from_secs((at * 86_400.0) as i64))[..10].to_owned();
        chart.configure_mesh().x_label_formatter(&day).light_line_style(WHITE).draw()?;
        let edge = |of: fn(&Anomaly) -> Option<f64>| {
            let inside = |value: f64| value.clamp(lowest, 1.05 * highest);
            let points =
                seen.iter().filter_map(move |seen| Some((days(seen.at), inside(of(seen)?))));
            points.collect::<Vec<_>>()
        };
        let mut band = edge(|seen| seen.upper);
        band.extend(edge(|seen| seen.lower).into_iter().rev());
        chart.draw_series([Polygon::new(band, BLUE.mix(0.15))])?;
        chart.draw_series(LineSeries::new(edge(|seen| seen.value), BLACK.mix(0.8)))?;
        let alarms = seen.iter().filter(|seen| seen.is_anomaly);
        chart.draw_series(alarms.filter_map(|alarm| {
            Some(Circle::new((days(alarm.at), alarm.value?), 5, RED.filled()))
        }))?;
        canvas.present()?;
    }
    Ok(svg)
}

/// A time as people read it, in UTC.
fn clock(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| at.as_millis().to_string(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

#[test]
fn the_flash_crowd_and_the_outage_are_told_and_drawn() {
    let trace = web_service(3, 7);
    let seen = watch(&trace).expect("its times rise");
    let told = |day: i64, from: i64, to: i64| {
        let minute = |minute: i64| trace.start + trace.step.times((14 + day) * 1440 + minute);
        seen.iter().any(|seen| seen.is_anomaly && seen.at >= minute(from) && seen.at < minute(to))
    };
    assert!(told(2, 14 * 60 + 20, 14 * 60 + 40), "the flash crowd of Wednesday");
    assert!(told(4, 10 * 60 + 5, 10 * 60 + 20), "the outage of Friday");
    let page = html(&trace, &seen).expect("it can be drawn");
    assert!(page.contains("<svg") && page.contains("<td>"));
}
