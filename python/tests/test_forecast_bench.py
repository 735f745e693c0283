"""The comparison of forecasts in `benches/forecast` asks and scores as it says."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "benches" / "forecast"


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])


def series(values: list[float], step: int = 3600):
    import traces

    return traces.Series("load", "value", 0, step, np.array(values, dtype=float))


def test_loss_coverage_and_scaled_error_of_a_forecast_worked_by_hand():
    import scores
    import traces

    task = traces.Task(series([0.0, 4.0] * 24 + [10.0, 20.0]), origin=48, horizon=2, max_history=99)
    forecast = np.array([[8.0, 12.0, 12.0, 15.0], [22.0, 22.0, 22.0, 22.0]])
    one = scores.score("any", task, forecast, 0.5, abstained=False)
    # At 0.5: 2 * 0.5 * (10 - 8) + 2 * 0.5 * (22 - 20); at 0.9: 2 * 0.1 * (2 + 2); at 0.99: 2 * 0.01 * (5 + 2).
    assert one.losses == pytest.approx((4.0, 0.8, 0.4, 0.14))
    assert one.covered == (1, 2, 2, 2)
    assert one.sum_abs == 30.0
    assert (one.mae, one.scale) == (2.0, 0.0)
    # 200 * (2 / 18 + 2 / 42) / 2
    assert one.smape == pytest.approx(15.873, abs=1e-3)
    assert scores.wql([one]) == pytest.approx((4.0 + 0.8 + 0.4 + 0.14) / 4 / 30)


def test_nothing_below_zero_is_held_against_a_model_of_a_load():
    import scores
    import traces

    task = traces.Task(series([1.0] * 60), origin=48, horizon=1, max_history=99)
    low = scores.score("any", task, np.full((1, 4), -5.0), 0.0, abstained=False)
    zero = scores.score("any", task, np.zeros((1, 4)), 0.0, abstained=False)
    assert low == zero


def test_seasonal_naive_is_the_value_a_day_ago_with_the_errors_of_all_days():
    import models
    import traces

    days = [float(100 * day + hour) for day in range(4) for hour in range(24)]
    task = traces.Task(series([*days, 0.0, 0.0]), origin=96, horizon=2, max_history=999)
    assert models.seasonal_naive(task).tolist() == [[300, 400, 400, 400], [301, 401, 401, 401]]


@pytest.mark.parametrize(("n", "season"), [(4032, 288), (336, 24), (18050, 288), (288, 288)])
def test_origins_lie_in_the_last_two_fifths_at_times_of_day_that_differ(n: int, season: int):
    import traces

    origins = traces.evenly_spaced(n, 12, season, 8)
    assert len(set(origins)) == 8
    assert all(0.6 * n - 1 <= origin <= n - 12 for origin in origins)
    assert len({origin % season for origin in origins}) == 8


def test_a_folder_is_compared_and_the_tables_are_left(tmp_path: Path, capsys):
    import compare

    generator = np.random.default_rng(1)
    with gzip.open(tmp_path / "shop.csv.gz", "wt") as file:
        file.write("timestamp,value\n")
        for index in range(288 * 8):
            load = 100 + 50 * np.sin(2 * np.pi * index / 288) + generator.normal()
            file.write(f"{1_767_600_000 + 300 * index},{load}\n")
    words = Namespace(
        traces=tmp_path, sets="5m,m4", ours="naive", peers="", extras=False, every=1, fresh=False
    )
    compare.run(words, tmp_path / "work")

    table = capsys.readouterr().out
    assert "| forescale naive | 8 |" in table and "| seasonal_naive | 8 | 1.000 |" in table
    with (tmp_path / "work/results/5m.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 16
    rows = json.loads((tmp_path / "work/results/5m.json").read_text())["rows"]
    assert [row["n_abstained"] for row in rows] == [0, 0]
