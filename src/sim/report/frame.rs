//! What the pictures share: colors, axes, dates.
//!
//! In: ranges. Out: an empty chart with its axes drawn. Knows no policy.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::time::{Duration, Timestamp};

/// Colors that the color-blind tell apart (Okabe and Ito 2008), seen on white and on black alike.
pub(super) const LOAD: RGBColor = RGBColor(0, 114, 178);
pub(super) const CAPACITY: RGBColor = RGBColor(230, 159, 0);
pub(super) const READY: RGBColor = RGBColor(0, 158, 115);
pub(super) const WANTED: RGBColor = RGBColor(204, 121, 167);
pub(super) const VIOLATION: RGBColor = RGBColor(213, 94, 0);
/// Text and axes: the same contrast on white and on near-black.
pub(super) const INK: RGBColor = RGBColor(122, 122, 122);

pub(super) const WIDTH: u32 = 960;
/// Room for the labels left of a chart, and right of it so that the last date is not cut.
const LEFT: u32 = 68;
const RIGHT: u32 = 36;
/// So many pixels lie between the axes.
pub(super) const N_PIXELS: usize = (WIDTH - LEFT - RIGHT) as usize;

pub(super) type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Dates, RangedCoordf64>>;
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An axis of seconds since the epoch, with its dates on whole hours or days.
pub(super) struct Dates {
    span: RangedCoordf64,
    dates: Vec<f64>,
}

impl Ranged for Dates {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.span.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.dates.clone()
    }

    fn range(&self) -> Range<f64> {
        self.span.range()
    }
}

pub(super) fn font(size: u32, color: &'static RGBColor) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(color)
}

/// A chart over time: `x` counts seconds since the epoch, `y` begins at 0.
pub(super) fn over_time<'a>(
    canvas: &Canvas<'a>,
    span: &Range<Timestamp>,
    most: f64,
    unit: &str,
) -> Result<Chart<'a>, String> {
    let (start, end) = (seconds(span.start), seconds(span.end));
    // An axis from 0 to 0 has no ticks; the chart would look for them forever.
    let top = if most > 0.0 { most } else { 1.0 };
    let every = tick_every(end - start);
    let first = (start / every).ceil() as i64;
    let last = (end / every).floor() as i64;
    let dates: Vec<f64> = (first..=last).map(|number| number as f64 * every).collect();
    let x = Dates { span: (start..end).into(), dates };
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(8)
        .margin_right(RIGHT)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, 28)
        .build_cartesian_2d(x, 0.0..top * 1.05)
        .map_err(|error| error.to_string())?;
    let has_days = every >= 86_400.0;
    let label = |at: &f64| label(*at, has_days);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.22))
        .axis_style(INK.mix(0.6))
        .label_style(font(15, &INK))
        .axis_desc_style(font(15, &INK))
        .x_label_formatter(&label)
        .y_labels(5)
        .y_label_formatter(&|value| number(*value))
        .y_desc(unit)
        .draw()
        .map_err(|error| error.to_string())?;
    Ok(chart)
}

pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

pub(super) fn at_index(start: Timestamp, step: Duration, index: usize) -> f64 {
    seconds(start) + step.as_secs_f64() * index as f64
}

/// The distance of dates on an axis: at most nine of them.
fn tick_every(span: f64) -> f64 {
    const HOUR: f64 = 3600.0;
    let steps =
        [0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 168.0, 336.0, 720.0, 2160.0];
    let fits = |hours: &f64| span / (hours * HOUR) <= 9.0;
    steps.into_iter().find(fits).map_or(span / 8.0, |hours| hours * HOUR)
}

fn label(at: f64, has_days: bool) -> String {
    let time = civil(at);
    let is_midnight = time.hour() == 0 && time.minute() == 0;
    let form = if has_days || is_midnight { "%a %-d %b" } else { "%H:%M" };
    time.strftime(form).to_string()
}

/// The day and the year of a moment, in UTC.
pub(super) fn date(at: Timestamp) -> String {
    civil(seconds(at)).strftime("%A, %-d %B %Y").to_string()
}

pub(super) fn date_time(at: Timestamp) -> String {
    civil(seconds(at)).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn civil(seconds: f64) -> jiff::civil::DateTime {
    // Out of the years that dates know, the epoch stands in.
    let at = jiff::Timestamp::from_second(seconds as i64).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

/// A number on an axis: 1.5k, 20M.
pub(super) fn number(value: f64) -> String {
    let scaled = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (unit, name) =
        scaled.into_iter().find(|(unit, _)| value.abs() >= *unit).unwrap_or((1.0, ""));
    let text = format!("{:.2}", value / unit);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_short() {
        assert_eq!([0.0, 0.25, 7.0, 1500.0, 2e7].map(number), ["0", "0.25", "7", "1.5k", "20M"]);
        assert_eq!(label(1_767_571_200.0, true), "Mon 5 Jan");
        assert_eq!(label(1_767_582_000.0, false), "03:00");
        assert_eq!(tick_every(7.0 * 86_400.0), 86_400.0);
    }
}
