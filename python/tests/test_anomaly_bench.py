"""The evaluation of detectors in `benches/anomaly` reads, scores and counts as it says."""

from __future__ import annotations

import json
import math
import os
import sys
import tarfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "benches" / "anomaly"
MODULES = {path.stem for path in BENCH.glob("*.py")}


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    forget()
    yield
    forget()


def forget() -> None:
    # The bench of forecasts has modules of the same names.
    for name in MODULES:
        sys.modules.pop(name, None)


def series(n: int = 100, windows: tuple[tuple[int, int], ...] = ((40, 49),), name: str = "a/b.csv"):
    import nab

    return nab.Series(name, 300 * np.arange(n), np.zeros(n), windows)


def marked(n: int, *rows: int) -> np.ndarray:
    scores = np.zeros(n)
    scores[list(rows)] = 1.0
    return scores


def gain(one, scores: np.ndarray, profile: int = 0, threshold: float = 0.5) -> float:
    import scores as rule

    return rule.steps(one, scores, rule.PROFILES[profile]).at(threshold)


def s(place: float) -> float:
    return 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0


def test_a_window_is_worth_one_at_its_start_and_less_towards_its_end():
    one = series()
    # Against silence, a hit also saves the cost of the miss: 1, or 2 in the last profile.
    assert gain(one, marked(100, 40)) == pytest.approx(2.0)
    assert gain(one, marked(100, 40), profile=2) == pytest.approx(3.0)
    # The fifth of ten rows lies at -0.6, the last at -0.1.
    assert gain(one, marked(100, 44)) == pytest.approx(1.0 + s(-0.6) / s(-1.0))
    assert gain(one, marked(100, 49)) == pytest.approx(1.0 + s(-0.1) / s(-1.0))
    assert s(-0.1) / s(-1.0) == pytest.approx(0.24824, abs=1e-5)


def test_only_the_first_row_of_a_window_counts_and_none_of_the_start_of_the_file():
    one = series()
    assert gain(one, marked(100, 44, 45, 46, 49)) == gain(one, marked(100, 44))
    # The first 15 of 100 rows are not scored, the 16th is: no window came yet, so it costs in full.
    assert gain(one, marked(100, *range(15))) == 0.0
    assert gain(one, marked(100, 15)) == pytest.approx(-0.11)
    assert gain(one, marked(100, 15, 16), profile=1) == pytest.approx(-0.44)


def test_a_row_behind_a_window_costs_more_the_further_it_lies():
    one = series()
    # (i - e) / (w - 1): 1 / 9, 27 / 9 and, beyond three, the whole.
    assert gain(one, marked(100, 50)) == pytest.approx(0.11 * s(1 / 9))
    assert gain(one, marked(100, 76)) == pytest.approx(0.11 * s(3.0))
    assert gain(one, marked(100, 77)) == pytest.approx(-0.11)
    two = series(windows=((40, 49), (60, 64)))
    assert gain(two, marked(100, 65)) == pytest.approx(0.11 * s(1 / 4))
    assert gain(two, marked(100, 55)) == pytest.approx(0.11 * s(6 / 9))


def test_silence_is_nothing_and_perfection_a_hundred():
    import scores as rule

    files = [series(windows=((40, 49), (70, 79))), series(windows=())]
    perfect = [rule.Answer(marked(100, 40, 70)), rule.Answer(np.zeros(100))]
    silent = [rule.Answer(np.full(100, -np.inf))] * 2
    row = rule.row("perfect", files, perfect, 0.5)
    assert list(row.tuned.values()) == pytest.approx([100.0] * 3)
    assert row.at_default is not None
    assert list(row.at_default.points.values()) == pytest.approx([100.0] * 3)
    assert (row.at_default.alarms_per_day, row.at_default.hit) == (0.0, 1.0)
    row = rule.row("silent", files, silent, 0.5)
    assert list(row.tuned.values()) == [0.0] * 3
    assert row.at_default is not None and row.at_default.hit == 0.0
    # A score for everything is worse than none, so that no threshold beats silence.
    assert rule.row("all", files, [rule.Answer(np.ones(100))] * 2, 0.5).tuned["standard"] == 0.0


def test_the_best_threshold_is_that_of_trying_each():
    import scores as rule

    generator = np.random.default_rng(7)
    files = [series(400, ((100, 139), (300, 339))), series(300, ((200, 229),))]
    answers = [np.round(generator.random(len(one)) ** 4 + one.labelled * 0.3, 2) for one in files]
    for profile in rule.PROFILES:
        sums = {
            t: sum(by_hand(f, a, t, profile) for f, a in zip(files, answers, strict=True))
            for t in {float(score) for a in answers for score in a}
        }
        pairs = zip(files, answers, strict=True)
        best, threshold = rule.best_threshold([rule.steps(f, a, profile) for f, a in pairs])
        assert best == pytest.approx(max(sums.values()))
        assert sums[threshold] == pytest.approx(best)


def by_hand(one, scores: np.ndarray, threshold: float, profile) -> float:
    """The rule row by row, for one threshold."""
    total, hit, passed = 0.0, set(), None
    for row in range(len(one)):
        inside = next((w for w in one.windows if w[0] <= row <= w[1]), None)
        passed = max((w for w in one.windows if w[1] < row), default=None)
        if row < one.n_unscored or scores[row] < threshold:
            continue
        if inside is not None:
            first, last = inside
            if inside not in hit:
                total += profile.miss + s(-(last - row + 1) / (last - first + 1)) / s(-1.0)
            hit.add(inside)
        else:
            place = 9.0 if passed is None else (row - passed[1]) / (passed[1] - passed[0])
            total -= profile.false_row * (1.0 if place > 3.0 else abs(s(place)))
    return total


def test_an_alarm_absorbs_twelve_rows_and_those_in_a_window_are_not_false():
    import scores as rule

    one = series()
    over = marked(100, 14, 15, 20, 26, 27, 44, 60) > 0.5
    # 15 stands until 26, then 27 is new; 14 is not scored, 44 is no false one.
    assert rule.false_alarms(one, over) == 3
    # The middle of the window lies at row 44.5, five minutes a row.
    assert rule.leads(one, over) == [pytest.approx(2.5)]
    assert rule.leads(one, marked(100, 49) > 0.5) == [pytest.approx(-22.5)]


def test_claimed_chances_are_held_against_rows_that_nothing_is_labelled_in():
    import scores as rule

    one = series(1015 + 150, ((200, 214),))
    chances = np.ones(len(one))
    chances[:150] = chances[200:215] = 0.0  # not scored, and labelled
    chances[[500, 600]] = 5e-4
    found = rule.calibration([(one, rule.Answer(chances, chances))])
    assert found is not None
    n = len(one) - one.n_unscored - 15
    assert [c.pooled for c in found] == pytest.approx([2 / n / 1e-3, 0.0])
    assert rule.calibration([(one, rule.Answer(chances))]) is None


def test_baselines_by_hand():
    import detectors
    import nab

    values = np.array([0.0, 10.0, 5.0, 13.0, -13.0, 13.0])
    one = nab.Series("a/b.csv", 300 * np.arange(6), values, ())
    # 13 lies 3 over a range of 10: 0.3 / 0.6; -13 lies 13 under one of 13: 1 / 1.3.
    assert detectors.record(one)[0].tolist() == pytest.approx([0.0, 1.0, 0.0, 0.5, 1 / 1.3, 0.0])
    # Four and a half deviations are 5.17 digits, 40 are more than a float holds as a chance.
    scores, chances = detectors._by_chance(np.array([0.0, 4.5, 40.0, 41.0]))
    assert scores[:2] == pytest.approx([0.0, 5.168 / 10.168], abs=1e-4)
    assert chances is not None and chances[1] == pytest.approx(6.795e-6, rel=1e-3)
    assert 0.9 < scores[2] < scores[3] < 1.0


def folder_of(path: Path, packed: bool = False) -> Path:
    """Two made-up files: noise, and noise with a labelled level far up."""
    generator = np.random.default_rng(3)
    half_a_day = ["2014-01-05 00:00:00.0", "2014-01-05 12:00:00.0"]
    windows = {"realTweets/calm.csv": [], "realTweets/jump.csv": [half_a_day]}
    (path / "data/realTweets").mkdir(parents=True)
    for name in windows:
        lines = ["timestamp,value"]
        for row in range(2016):
            clock = f"2014-01-0{row // 288 + 1} {row % 288 // 12:02}:{row % 12 * 5:02}:00"
            up = 80.0 if "jump" in name and row >= 4 * 288 + 72 else 0.0
            lines.append(f"{clock},{100 + 5 * generator.normal() + up}")
        (path / "data" / name).write_text("\n".join(lines) + "\n")
    (path / "combined_windows.json").write_text(json.dumps(windows))
    if packed:
        with tarfile.open(path / "part.tar.gz", "w:gz") as archive:
            archive.add(path / "data", "data")
        for name in windows:
            (path / "data" / name).unlink()
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_is_read_plain_or_packed(tmp_path: Path, packed: bool):
    import nab

    calm, jump = nab.read(folder_of(tmp_path, packed))
    assert (calm.name, calm.category, calm.windows) == ("realTweets/calm.csv", "tweets", ())
    # From midnight to noon of the fifth day, both ends with it.
    assert jump.windows == ((4 * 288, 4 * 288 + 144),)
    assert (jump.step, jump.season, jump.n_unscored, jump.times[0]) == (300, 288, 302, 1_388_534_400)


def test_a_folder_without_labels_is_named(tmp_path: Path):
    import nab

    with pytest.raises(ValueError, match=r"has no combined_windows\.json"):
        nab.read(tmp_path)


def test_detectors_are_compared_and_the_tables_are_left(tmp_path: Path, capsys):
    import compare

    words = Namespace(nab=folder_of(tmp_path), ours="auto,record", peers="", extras=False, fresh=False)
    for _ in range(2):  # the second time from the cache
        compare.run(words, tmp_path / "work")
    table = capsys.readouterr().out
    assert "NAB: 2 files, 1 windows" in table
    rows = json.loads((tmp_path / "work/anomaly.json").read_text())["rows"]
    assert [row["detector"] for row in rows][:2] == ["forescale auto", "forescale record"]
    by_name = {row["detector"]: row for row in rows}
    # The jump comes in the middle of its window, half of which is then gone.
    outside = by_name["a value outside all before it"]["tuned"]["standard"]
    assert outside == pytest.approx(50.0 * (1.0 + s(-73 / 145) / s(-1.0)))
    assert by_name["forescale auto"]["at_default"]["hit"] == 1.0
    assert by_name["forescale auto"]["calibration"][0]["level"] == 1e-3


def test_on_nab_itself_the_record_baseline_has_its_known_points():
    import detectors
    import nab
    import scores as rule

    folder = Path(os.environ.get("FORESCALE_NAB", ROOT.parent / "shared" / "nab"))
    if not folder.is_dir():
        pytest.skip(f"no NAB at {folder}; FORESCALE_NAB names its folder")
    files = nab.read(folder)
    if len(files) != 39:
        pytest.skip(f"the known points are those of 39 files, {folder} has {len(files)}")
    assert sum(len(one.windows) for one in files) == 78
    answers = [rule.Answer(*detectors.record(one)) for one in files]
    row = rule.row("record", files, answers, 0.5)
    assert list(row.tuned.values()) == pytest.approx([60.5, 57.6, 63.4], abs=0.05)
