//! The picture of several fronts, and what they cost at the same violations.
//!
//! In: [`Fronts`]. Out: SVG as text, and the rows of a table. Knows no page.

use plotters::prelude::*;
use serde::Serialize;

use super::charts::draw;
use super::frame::{CAPACITY, INK, LOAD, READY, VIOLATION, WANTED, font};
use crate::Error;
use crate::sim::fronts::{Fronts, Sweep};

/// The violation shares at which the table compares.
const LEVELS: [f64; 4] = [0.05, 0.02, 0.01, 0.005];

/// Okabe and Ito (2008), and three that go with them.
const COLORS: [RGBColor; 9] = [
    VIOLATION,
    LOAD,
    RGBColor(86, 180, 233),
    READY,
    CAPACITY,
    RGBColor(150, 110, 60),
    WANTED,
    RGBColor(140, 120, 220),
    INK,
];

/// A line of the table.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    color: String,
    /// The cost at each level as a multiple of the clairvoyant's; `None` where it has always more
    /// violations.
    costs: Vec<Option<f64>>,
    /// The share of the gap from the tuned HPA to clairvoyance that it closes at each level.
    closed: Vec<Option<f64>>,
}

pub(super) fn rows(fronts: &Fronts) -> Vec<Row> {
    let bound = fronts.bounds.clairvoyant.replica_hours;
    let row = |(sweep, color): (&Sweep, RGBColor)| Row {
        name: sweep.name.clone(),
        color: format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2),
        costs: LEVELS.map(|level| sweep.front.cost(level).map(|cost| cost / bound)).into(),
        closed: LEVELS
            .map(|level| {
                let closed = fronts.gap_closed(level, &sweep.name, "hpa_tuned");
                closed.filter(|share| share.is_finite() && sweep.name != "hpa_tuned")
            })
            .into(),
    };
    fronts.sweeps.iter().zip(COLORS.into_iter().cycle()).map(row).collect()
}

impl Fronts {
    /// The fronts as one picture in SVG, to be read on a light and on a dark ground: the share of the
    /// minutes in violation against replica-hours, as a multiple of the clairvoyant's.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) if nothing was swept or nothing is to be paid, so
    /// that there is nothing to draw.
    pub fn to_svg(&self) -> Result<String, Error> {
        picture(self, true).map_err(super::undrawn)
    }
}

/// The most violations that are drawn, as a share.
const TOP: f64 = 0.05;

/// Draws the fronts, with or without their names.
pub(super) fn picture(fronts: &Fronts, named: bool) -> Result<String, String> {
    let bound = fronts.bounds.clairvoyant.replica_hours;
    if fronts.sweeps.is_empty() || bound <= 0.0 {
        return Err("there is no front, or nothing to pay".into());
    }
    // Each front as a dense line, as the axis is no straight one.
    let lines: Vec<Vec<(f64, f64)>> = fronts
        .sweeps
        .iter()
        .map(|sweep| {
            let points = sweep.front.points();
            let pairs = points.windows(2).flat_map(|pair| {
                (0..40).map(move |part| {
                    let share = f64::from(part) / 40.0;
                    let mix = |from: f64, to: f64| from + share * (to - from);
                    (
                        mix(pair[0].cost, pair[1].cost) / bound,
                        mix(pair[0].violation_share, pair[1].violation_share),
                    )
                })
            });
            let last = points.last().map(|point| (point.cost / bound, point.violation_share));
            pairs.chain(last).filter(|point| point.1 <= TOP).collect()
        })
        .collect();
    let most = |line: &Vec<(f64, f64)>| line.iter().map(|point| point.0).fold(1.0, f64::max);
    // One that is far dearer must not press the others to the left.
    let mut dearest: Vec<f64> = lines.iter().map(most).collect();
    dearest.sort_by(f64::total_cmp);
    let right = dearest[dearest.len() / 2].clamp(1.5, 6.0) * 1.25;
    draw(420, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(14)
            .margin_right(24)
            .set_label_area_size(LabelAreaPosition::Left, 68)
            .set_label_area_size(LabelAreaPosition::Bottom, 52)
            .build_cartesian_2d(0.95..right, -0.04..TOP.sqrt() * 10.0)
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
            .x_label_formatter(&|ratio| format!("{ratio:.2}x"))
            .y_label_formatter(&|root| tick(*root))
            .x_desc("cost: replica-hours as a multiple of the clairvoyant's (cheaper is left)")
            .y_desc("minutes in violation (better is down)")
            .draw()
            .map_err(|error| error.to_string())?;
        for (number, ((sweep, line), color)) in
            fronts.sweeps.iter().zip(&lines).zip(COLORS.into_iter().cycle()).enumerate()
        {
            // A percent is its own root here; the root spreads what is small.
            let line: Vec<_> = line.iter().filter(|point| point.0 <= right).collect();
            let points: Vec<_> = line.iter().map(|point| (point.0, root(point.1))).collect();
            let width = if sweep.name == "predictive" { 4 } else { 2 };
            let drawn = LineSeries::new(points.iter().copied(), color.stroke_width(width));
            chart.draw_series(drawn).map_err(|error| error.to_string())?;
            let kept = sweep
                .front
                .points()
                .iter()
                .filter(|point| point.violation_share <= TOP && point.cost / bound <= right);
            let dots = kept.map(|point| {
                Circle::new((point.cost / bound, root(point.violation_share)), 3, color.filled())
            });
            chart.draw_series(dots).map_err(|error| error.to_string())?;
            if named {
                let at = (right - 0.22 * (right - 0.95), TOP.sqrt() * 10.0);
                let down = 6 + 18 * number as i32;
                let label = EmptyElement::at(at)
                    + Rectangle::new([(0, down + 3), (14, down + 11)], color.filled())
                    + Text::new(sweep.name.clone(), (20, down), font(15, &INK));
                chart.draw_series([label]).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    })
}

/// The place of a share on the axis: the root of its percents.
fn root(share: f64) -> f64 {
    (100.0 * share).sqrt()
}

/// A tick of that axis.
fn tick(root: f64) -> String {
    if root < 0.0 {
        return String::new();
    }
    let text = format!("{:.2}", root * root);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Contender, Settings, fronts, web_service};

    #[test]
    fn ticks_are_shares_again() {
        assert_eq!([0.0, 0.5, 1.0, 2.0, -0.1].map(tick), ["0%", "0.25%", "1%", "4%", ""]);
    }

    #[test]
    fn each_front_has_its_line_its_name_and_its_row() {
        let settings = Settings { scored: "6h".parse().unwrap(), ..Settings::default() };
        let contenders = [Contender::Hpa, Contender::StaticPeak];
        let fronts = fronts(&web_service(1, 7), &settings, &contenders, &[], &|| {}).unwrap();
        let svg = fronts.to_svg().unwrap();
        assert!(svg.contains("static_peak") && svg.matches("<polyline").count() >= 2);
        let rows = rows(&fronts);
        assert_eq!(rows.len(), 2);
        assert!(rows[0].costs[0].unwrap() > 1.0 && rows[0].closed.iter().all(Option::is_none));
        let empty = Fronts { sweeps: Vec::new(), ..fronts };
        assert!(empty.to_svg().unwrap_err().to_string().contains("cannot be drawn"));
    }
}
