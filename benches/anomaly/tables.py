"""Markdown tables of the comparison."""

from __future__ import annotations

import math

from scores import AtThreshold, Row

FIRST = [
    "detector",
    "own threshold: standard / low FP / low FN",
    "false alarms a day",
    "hit",
    "lead, minutes",
    "best threshold, with labels",
    "its false alarms a day",
    "picked elsewhere",
    "p at 1e-3 / 1e-4",
    "worst tenth",
    "µs a row",
]


def of_detectors(rows: list[Row], n_files: int, n_windows: int) -> str:
    """One row a detector."""
    lines = [f"### NAB: {n_files} files, {n_windows} windows\n", _line(FIRST), "|" + "---|" * len(FIRST)]
    for row in rows:
        own, claims = row.at_default, row.calibration or []
        name = row.detector + (f" ({row.n_failed} failed)" if row.n_failed else "")
        cells = [name, *_own(own), _points(row.tuned), f"{row.at_tuned.alarms_per_day:.2f}"]
        cells += [f"{row.elsewhere:.1f}"]
        cells += [" / ".join(f"{one.pooled:.2g}" for one in claims) or "-"]
        cells += [" / ".join(f"{one.worst_tenth:.2g}" for one in claims) or "-"]
        cells += [f"{row.us_per_row:.3g}"]
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def of_categories(rows: list[Row]) -> str:
    """Standard points by category, at the own threshold, or at the best one for all where there is none."""
    found = [(row, row.at_default or row.at_tuned) for row in rows]
    names = [name for name, value in found[0][1].by_category.items() if not math.isnan(value)]
    lines = ["### Standard points by category\n", _line(["detector", "threshold", *names])]
    lines.append("|" + "---|" * (len(names) + 2))
    for row, at in found:
        threshold = f"{at.threshold:.3g}" + ("" if row.at_default else ", best")
        points = [f"{round(at.by_category[name])}" for name in names]
        lines.append(_line([row.detector, threshold, *points]))
    return "\n".join(lines) + "\n"


def _own(at: AtThreshold | None) -> list[str]:
    if at is None:
        return ["-"] * 4
    lead = "-" if math.isnan(at.lead_minutes) else f"{round(at.lead_minutes)}"
    return [_points(at.points), f"{at.alarms_per_day:.3f}", f"{at.hit:.0%}", lead]


def _points(of: dict[str, float]) -> str:
    return " / ".join(f"{value:.1f}" if value > -100.0 else f"{value:.0f}" for value in of.values())


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
