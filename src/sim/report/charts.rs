//! The pictures.
//!
//! In: what happened over time, and the scores. Out: SVG as text. Knows no page.

use std::ops::Range;

use plotters::prelude::*;

use super::frame::{
    CAPACITY, Canvas, Chart, INK, LOAD, N_PIXELS, READY, VIOLATION, WANTED, WIDTH, at_index, font,
    over_time, seconds,
};
use super::thin::{stairs, thin};
use crate::sim::agreement::Record;
use crate::sim::compare::Comparison;
use crate::sim::replay::{Report, Series};
use crate::sim::score::Score;
use crate::time::{Duration, Timestamp};

/// Load and capacity over the whole scored part; marks below: load that waits too long.
pub(super) fn load(report: &Report) -> Result<String, String> {
    let series = &report.series;
    let span = whole(series);
    let most = series.load.iter().chain(&series.capacity).copied().fold(0.0, f64::max);
    draw(190, |canvas| {
        let mut chart = over_time(canvas, &span, most, "load")?;
        let x = |index| at_index(series.start, series.step, index);
        let line = |values: &[f64]| -> Vec<(f64, f64)> {
            thin(values, N_PIXELS).into_iter().map(|(index, value)| (x(index), value)).collect()
        };
        let capacity = line(&series.capacity);
        area(&mut chart, capacity.clone(), CAPACITY.mix(0.22))?;
        stroke(&mut chart, capacity, CAPACITY.stroke_width(1))?;
        stroke(&mut chart, line(&series.load), LOAD.stroke_width(1))?;
        late(&mut chart, report, &span, most)
    })
}

/// Replicas asked for over the whole scored part, and those that really ran.
pub(super) fn recorded(report: &Report, record: &Record) -> Result<String, String> {
    let series = &report.series;
    let span = whole(series);
    let wanted: Vec<_> = series.wanted.iter().map(|&n| f64::from(n)).collect();
    let runs = ran(series, &(0..wanted.len()), record);
    let all = wanted.iter().copied().chain(runs.iter().flatten().map(|point| point.1));
    let most = all.fold(0.0, f64::max);
    draw(190, |canvas| {
        let mut chart = over_time(canvas, &span, most, "replicas")?;
        let x = |index| at_index(series.start, series.step, index);
        let line = thin(&wanted, N_PIXELS);
        let line = line.into_iter().map(|(index, value)| (x(index), value)).collect();
        stroke(&mut chart, line, WANTED.stroke_width(2))?;
        runs.into_iter().try_for_each(|run| stroke(&mut chart, run, INK.stroke_width(1)))
    })
}

/// What really ran in some of the intervals, as lines between the holes of the record.
fn ran(series: &Series, inside: &Range<usize>, record: &Record) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for index in inside.clone() {
        let at = series.start + series.step.times(index as i64);
        let Some(size) = record.at(at) else {
            runs.push(Vec::new());
            continue;
        };
        let run = runs.last_mut().expect("it begins with one");
        let (from, to) = (seconds(at), seconds(at + series.step));
        match run.last_mut() {
            Some((end, same)) if *same == f64::from(size) => *end = to,
            _ => run.extend([(from, f64::from(size)), (to, f64::from(size))]),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Replicas asked for and ready in a span, and those that really ran, where that is known.
pub(super) fn replicas(
    report: &Report,
    span: Range<Timestamp>,
    record: Option<&Record>,
) -> Result<String, String> {
    let series = &report.series;
    let inside = indexes(series, &span);
    let floats =
        |values: &[u32]| values[inside.clone()].iter().map(|&n| f64::from(n)).collect::<Vec<_>>();
    let (ready, wanted) = (floats(&series.ready), floats(&series.wanted));
    let runs = record.map(|record| ran(series, &inside, record)).unwrap_or_default();
    let all = ready.iter().chain(&wanted).copied();
    let most = all.chain(runs.iter().flatten().map(|point| point.1)).fold(0.0, f64::max);
    draw(190, |canvas| {
        let mut chart = over_time(canvas, &span, most, "replicas")?;
        let line = |values: &[f64]| -> Vec<(f64, f64)> {
            let x = |index| at_index(series.start, series.step, inside.start + index);
            stairs(values).into_iter().map(|(index, value)| (x(index), value)).collect()
        };
        area(&mut chart, line(&ready), READY.mix(0.25))?;
        stroke(&mut chart, line(&ready), READY.stroke_width(1))?;
        stroke(&mut chart, line(&wanted), WANTED.stroke_width(2))?;
        for run in runs {
            stroke(&mut chart, run, INK.stroke_width(1))?;
        }
        late(&mut chart, report, &span, most)
    })
}

/// The forecasts issued on one day, each as its median and two bands, against what came. `None` if
/// there were none.
pub(super) fn forecast(report: &Report, day: Range<Timestamp>) -> Result<Option<String>, String> {
    let Report { series, forecasts, .. } = report;
    let seen: Vec<_> =
        forecasts.iter().filter(|forecast| day.contains(&forecast.issued_at)).collect();
    if seen.is_empty() {
        return Ok(None);
    }
    let inside = indexes(series, &day);
    let came = &series.load[inside.clone()];
    let highest = came.iter().copied().fold(0.0, f64::max);
    let expected =
        seen.iter().flat_map(|forecast| forecast.values.iter().copied()).fold(0.0, f64::max);
    // A wild band must not press what came flat.
    let most = expected.min(2.0 * highest).max(highest);
    let picture = draw(240, |canvas| {
        let mut chart = over_time(canvas, &day, most, "load")?;
        let end = seconds(day.end);
        for forecast in seen {
            let width = forecast.quantiles.len();
            let edge = |which: usize| -> Vec<(f64, f64)> {
                let rows = (0..forecast.horizon()).map(|ahead| {
                    let at = forecast.issued_at + forecast.step.times(ahead as i64 + 1);
                    (seconds(at), forecast.row(ahead)[which].min(most * 1.05))
                });
                let rows: Vec<_> = rows.filter(|&(at, _)| at <= end).collect();
                rows
            };
            for (low, strength) in [(0, 0.18), (1, 0.28)] {
                let high = width - 1 - low;
                if low < high {
                    let there = edge(low);
                    let back = edge(high).into_iter().rev();
                    let band: Vec<_> = there.into_iter().chain(back).collect();
                    shape(&mut chart, band, CAPACITY.mix(strength))?;
                }
            }
            let middle = edge(width / 2);
            let issued = middle.first().copied();
            stroke(&mut chart, middle, CAPACITY.stroke_width(2))?;
            if let Some((at, load)) = issued {
                let dot = Circle::new((at, load), 4, CAPACITY.filled());
                chart.draw_series([dot]).map_err(|error| error.to_string())?;
            }
        }
        let x = |index| at_index(series.start, series.step, inside.start + index);
        let line =
            thin(came, N_PIXELS).into_iter().map(|(index, value)| (x(index), value)).collect();
        stroke(&mut chart, line, LOAD.stroke_width(1))
    });
    picture.map(Some)
}

/// Cost against violations: a point for each policy, a ring for each bound.
pub(super) fn tradeoff(comparison: &Comparison) -> Result<String, String> {
    let bounds = &comparison.bounds;
    // Without any load the clairvoyant pays nothing, and there is nothing to be a multiple of.
    let least = bounds.clairvoyant.replica_hours;
    let (cheapest, cost) = if least > 0.0 {
        (least, "cost: replica-hours as a multiple of the clairvoyant's (cheaper is left)")
    } else {
        (1.0, "cost: replica-hours (cheaper is left)")
    };
    let unit = if least > 0.0 { "x" } else { "" };
    let point = |name: &str, score: &Score, color| {
        (name.to_owned(), score.replica_hours / cheapest, 100.0 * score.violation_share(), color)
    };
    let colors = [LOAD, VIOLATION, READY, WANTED, CAPACITY, RGBColor(86, 180, 233)];
    let reports = comparison.reports.iter().zip(colors.into_iter().cycle());
    let mut points: Vec<_> =
        reports.map(|(report, color)| point(&report.name, &report.score, color)).collect();
    let n_policies = points.len();
    points.push(point("best constant", &bounds.constant, INK));
    points.push(point("clairvoyant", &bounds.clairvoyant, INK));
    let right = points.iter().map(|point| point.1).fold(1.0, f64::max);
    let top = points.iter().map(|point| point.2).fold(0.1, f64::max);
    draw(330, |canvas| {
        let left = points.iter().map(|point| point.1).fold(1.0, f64::min);
        let pad = 0.08 * (right - left).max(0.1);
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(14)
            .margin_right(24)
            .set_label_area_size(LabelAreaPosition::Left, 68)
            .set_label_area_size(LabelAreaPosition::Bottom, 52)
            .build_cartesian_2d(left - pad..right + 2.0 * pad, -0.04 * top..top * 1.12)
            .map_err(|error| error.to_string())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(INK.mix(0.22))
            .axis_style(INK.mix(0.6))
            .label_style(font(15, &INK))
            .axis_desc_style(font(15, &INK))
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|ratio| format!("{ratio:.2}{unit}"))
            .y_label_formatter(&|share| percent(*share, top))
            .x_desc(cost)
            .y_desc("minutes in violation (better is down)")
            .draw()
            .map_err(|error| error.to_string())?;
        let mut taken: Vec<(i32, i32, i32)> = Vec::new();
        for (number, (name, cost, violations, color)) in points.iter().enumerate() {
            let at = (*cost, *violations);
            let style = if number < n_policies { color.filled() } else { color.stroke_width(2) };
            chart.draw_series([Circle::new(at, 6, style)]).map_err(|error| error.to_string())?;
            let (x, y) = chart.backend_coord(&at);
            // Right of its point; where another label lies, higher up.
            let width = 8 * name.chars().count() as i32;
            let mut label = y - 6;
            let is_taken = |taken: &[(i32, i32, i32)], label: i32| {
                taken.iter().any(|&(from, to, line)| {
                    x + 10 < to && from < x + 10 + width && (line - label).abs() < 14
                })
            };
            while is_taken(&taken, label) {
                label -= 4;
            }
            taken.push((x + 10, x + 10 + width, label));
            let text =
                EmptyElement::at(at) + Text::new(name.clone(), (10, label - y), font(16, &INK));
            chart.draw_series([text]).map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

/// A tick of an axis up to `top` percent, so that no two read the same.
fn percent(share: f64, top: f64) -> String {
    let digits = if top < 1.0 { 2 } else { 1 };
    if share < 0.0 { String::new() } else { format!("{share:.digits$}%") }
}

/// A stretch of `length` around the highest load, or all there is if that is shorter.
pub(super) fn busiest(series: &Series, length: Duration) -> Range<Timestamp> {
    let span = whole(series);
    if span.end.since(span.start) <= length {
        return span;
    }
    let highest = (0..series.load.len()).max_by(|&a, &b| series.load[a].total_cmp(&series.load[b]));
    let peak = span.start + series.step.times(highest.unwrap_or(0) as i64);
    // Begins on a whole part of its own length: a day at midnight.
    let part = length.as_millis().max(1);
    let whole = Timestamp::from_millis(peak.as_millis().div_euclid(part) * part);
    let start = whole.max(span.start).min(span.end - length);
    start..start + length
}

fn whole(series: &Series) -> Range<Timestamp> {
    series.start..series.start + series.step.times(series.load.len() as i64)
}

fn indexes(series: &Series, span: &Range<Timestamp>) -> Range<usize> {
    let index = |at: Timestamp| at.since(series.start).steps(series.step).min(series.load.len());
    index(span.start)..index(span.end)
}

pub(super) fn draw(
    height: u32,
    on: impl FnOnce(&Canvas<'_>) -> Result<(), String>,
) -> Result<String, String> {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        on(&canvas)?;
        canvas.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn stroke(chart: &mut Chart<'_>, points: Vec<(f64, f64)>, style: ShapeStyle) -> Result<(), String> {
    let line = LineSeries::new(points, style);
    chart.draw_series(line).map(|_| ()).map_err(|error| error.to_string())
}

fn area(chart: &mut Chart<'_>, points: Vec<(f64, f64)>, color: RGBAColor) -> Result<(), String> {
    let (Some(&(first, _)), Some(&(last, _))) = (points.first(), points.last()) else {
        return Ok(());
    };
    let ground = [(last, 0.0), (first, 0.0)];
    shape(chart, points.into_iter().chain(ground).collect(), color)
}

fn shape(chart: &mut Chart<'_>, points: Vec<(f64, f64)>, color: RGBAColor) -> Result<(), String> {
    let filled = Polygon::new(points, color.filled());
    chart.draw_series([filled]).map(|_| ()).map_err(|error| error.to_string())
}

/// Marks along the ground where what waits is more than can be served in time, a pixel wide at least.
fn late(
    chart: &mut Chart<'_>,
    report: &Report,
    span: &Range<Timestamp>,
    most: f64,
) -> Result<(), String> {
    let Report { series, settings, .. } = report;
    let inside = indexes(series, span);
    let late_after = settings.late_after.as_secs_f64();
    let pixel = span.end.since(span.start).as_secs_f64() / N_PIXELS as f64;
    let mut marks: Vec<(f64, f64)> = Vec::new();
    for index in inside {
        let queue = series.queue[index];
        if queue > 0.0 && queue >= series.capacity[index] * late_after {
            let from = at_index(series.start, series.step, index);
            let to = at_index(series.start, series.step, index + 1).max(from + 1.5 * pixel);
            match marks.last_mut() {
                Some((_, end)) if from <= *end + pixel => *end = to,
                _ => marks.push((from, to)),
            }
        }
    }
    let height = 0.06 * most;
    let mark = |(from, to)| Rectangle::new([(from, 0.0), (to, height)], VIOLATION.filled());
    let marks = marks.into_iter().map(mark);
    chart.draw_series(marks).map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn ticks_close_to_each_other_read_differently() {
        assert_eq!([0.0, 0.02, 0.04].map(|share| percent(share, 0.1)), ["0.00%", "0.02%", "0.04%"]);
        assert_eq!([5.0, -1.0].map(|share| percent(share, 20.0)), ["5.0%", ""]);
    }
}
