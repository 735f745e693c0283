"""Markdown tables of the comparison."""

from __future__ import annotations

from scores import BASE, Row, Score, by_trace, wql
from traces import Set, Task


def of_set(one: Set, tasks: list[Task], summary: list[Row]) -> str:
    """One row a model; `x` is its cost in those of the first row."""
    n_traces = len({task.series.trace for task in tasks})
    n_series = len({(task.series.trace, task.series.column) for task in tasks})
    asked_of = f"{n_series} series" if n_series == n_traces else f"{n_series} series of {n_traces} fleets"
    m4 = one.name == "m4"
    head = ["model", "forecasts", "rWQL", "MASE", "rel. MAE", *(["sMAPE", "OWA"] if m4 else [])]
    head += ["cover .95 / .99", "worst", "CPU ms", "x"]
    lines = [
        f"### {one.name}: {one.title} ({asked_of}, {len(tasks)} forecasts)\n",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for row in summary:
        asked = f"{row.n_forecasts}"
        if row.n_abstained:
            asked += f" ({row.n_abstained} abstained)"
        cells = [row.model, asked, f"{row.wql:.3f}", f"{row.mase:.3f}", f"{row.relative_mae:.3f}"]
        if m4:
            cells += [f"{row.smape:.2f}", f"{row.owa:.3f}"]
        cells += [
            " / ".join(f"{c:.3f}" for c in row.coverage[2:]),
            " / ".join(f"{c:.2f}" for c in row.worst_coverage[2:]),
            f"{row.cpu_ms:.2f}",
            f"{row.cpu_ms / summary[0].cpu_ms:.2g}" if summary[0].cpu_ms else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def of_traces(scores: dict[str, list[Score]]) -> str:
    """Relative WQL by trace, of the models that were asked everything."""
    full = [name for name, own in scores.items() if len(own) == len(scores[BASE])]
    base = by_trace(scores[BASE])
    lines = ["| trace | WQL of seasonal naive | " + " | ".join(full) + " |", "|" + "---|" * (len(full) + 2)]
    groups = {name: by_trace(scores[name]) for name in full}
    for trace, naive in base.items():
        ratios = [f"{wql(groups[name][trace]) / wql(naive):.3f}" for name in full]
        lines.append(f"| {trace} | {wql(naive):.4f} | " + " | ".join(ratios) + " |")
    return "\n".join(lines) + "\n"
