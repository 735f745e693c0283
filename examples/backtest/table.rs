//! A comparison as text.

use comfy_table::{CellAlignment, Table, presets};
use forescale::sim::{Comparison, Score, Trace};

/// What was replayed, in one line.
pub(crate) fn headline(trace: &Trace, comparison: &Comparison) -> String {
    let minutes = comparison.bounds.clairvoyant.minutes;
    let scored = match minutes {
        few if few < 120.0 => format!("{few:.0} minutes"),
        few if few < 2880.0 => format!("{:.1} hours", few / 60.0),
        many => format!("{:.1} days", many / 1440.0),
    };
    let load_per_replica = short(comparison.settings.load_per_replica.unwrap_or_default());
    let mut line = format!(
        "{}: {scored} scored, {} steps of {} in all; a replica carries {load_per_replica} and takes {} to start",
        trace.name,
        trace.values.len(),
        trace.step,
        comparison.settings.start_up,
    );
    if trace.n_filled > 0 {
        line += &format!("; {} missing steps filled in", trace.n_filled);
    }
    line
}

/// A number that may be of any size: 96.9, 0.0123, 7.1e301.
pub(crate) fn short(number: f64) -> String {
    match number {
        plain if (10.0..1e7).contains(&plain) => format!("{plain:.1}"),
        small if (0.001..10.0).contains(&small) => format!("{small:.3}"),
        other => format!("{other:.2e}"),
    }
}

/// What the heads of the table mean.
pub(crate) const LEGEND: &str = "\
cost: replica-hours paid; x clairv.: as a multiple of who knows the load beforehand
violation: minutes with late or dropped load; late, dropped: shares of the load
under, over: replicas missing or too many, as a share of the demand; unstable: share of the time that
supply and demand move apart (elasticity of SPEC; 0 is best)";

/// A row for each configuration, and the bounds.
pub(crate) fn table(comparison: &Comparison) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "",
        "cost h",
        "x clairv.",
        "violation min",
        "share",
        "late",
        "dropped",
        "actions",
        "reversals",
        "under",
        "over",
        "unstable",
    ]);
    let clairvoyant = &comparison.bounds.clairvoyant;
    let mut add = |name: &str, score: &Score| {
        let percent = |share: f64| format!("{:.2}%", share * 100.0);
        table.add_row([
            name.to_owned(),
            format!("{:.0}", score.replica_hours),
            if clairvoyant.replica_hours > 0.0 {
                format!("{:.2}", score.replica_hours / clairvoyant.replica_hours)
            } else {
                "-".to_owned() // no load, no cost to be a multiple of
            },
            format!("{:.0}", score.violation_minutes),
            percent(score.violation_share()),
            percent(score.late_share),
            percent(score.dropped_share),
            score.actions.to_string(),
            score.reversals.to_string(),
            percent(score.elasticity.under_accuracy),
            percent(score.elasticity.over_accuracy),
            percent(score.elasticity.instability),
        ]);
    };
    for report in &comparison.reports {
        add(&report.name, &report.score);
    }
    let constant = format!("bound: constant {}", comparison.bounds.constant_replicas);
    add(&constant, &comparison.bounds.constant);
    add("bound: clairvoyant", clairvoyant);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
