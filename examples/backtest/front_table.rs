//! The fronts of several ways to scale as text.

use comfy_table::{CellAlignment, Table, presets};
use forescale::sim::Fronts;

/// What each way to scale costs at the same violations, and how much of the gap from the tuned HPA to
/// clairvoyance it closes.
pub(crate) fn table(fronts: &Fronts) -> Table {
    const LEVELS: [(f64, &str); 4] =
        [(0.05, "5 %"), (0.02, "2 %"), (0.01, "1 %"), (0.005, "0.5 %")];
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    let heads = LEVELS.map(|(_, level)| format!("x clairv. at {level}"));
    let closed = LEVELS.map(|(_, level)| format!("closed {level}"));
    table.set_header(std::iter::once(String::new()).chain(heads).chain(closed));
    let bound = fronts.bounds.clairvoyant.replica_hours;
    for sweep in &fronts.sweeps {
        let costs = LEVELS.map(|(level, _)| {
            sweep.front.cost(level).map_or("never".into(), |cost| format!("{:.2}", cost / bound))
        });
        let closed = LEVELS.map(|(level, _)| {
            let share = fronts.gap_closed(level, &sweep.name, "hpa_tuned");
            share
                .filter(|share| share.is_finite())
                .map_or("-".into(), |share| format!("{share:.2}"))
        });
        table.add_row(std::iter::once(sweep.name.clone()).chain(costs).chain(closed));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
