"""Vertical sizing: the worked example, the sizings of the repository, and what is refused."""

from __future__ import annotations

import json
import pickle
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from forescale import ConfigError, ObservationError, Reason, Refused, Sizer, SnapshotError, settings

FOLDER = Path(__file__).parents[2] / "tests" / "sizing"
SIZINGS = sorted(FOLDER.glob("*.sizing.json"))
DAY = 86_400


def fed() -> Sizer:
    """A day of samples, one a minute, as in the example of the core."""
    sizer = Sizer()
    for minute in range(1441):
        memory = 300e6 if minute == 720 else 200e6
        assert not sizer.observe(at=60 * minute, cpu=100.0, memory=memory)
    return sizer


def test_the_sizes_are_those_of_the_cores_example() -> None:
    size = fed().recommend(DAY)
    cpu, memory = size.cpu.bounds, size.memory.bounds
    assert cpu is not None and memory is not None
    assert (cpu.lower, cpu.target, cpu.upper) == (125, 126, 252)
    assert size.cpu.reason.code == "usage_history"
    assert size.cpu.reason.facts["confidence"] == 1.0
    assert memory.target == 305_390_039 + 45_808_505
    assert size.to_dict()["cpu"]["bounds"] == {"lower": 125, "target": 126, "upper": 252}
    assert "target=126" in repr(size)


def test_without_samples_there_is_a_reason_and_no_number() -> None:
    size = Sizer({"memory": {"controlled": False}}).recommend()
    assert (size.cpu.bounds, size.cpu.reason.code) == (None, "no_samples")
    assert (size.memory.bounds, size.memory.reason.code) == (None, "not_controlled")
    assert Sizer().startup_cpu(size) is None


def test_many_samples_are_the_same_as_one_after_the_other() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    seconds = numpy.arange(1441) * 60.0
    cpu = numpy.full(1441, 100.0)
    memory = numpy.where(seconds == 720 * 60, 300e6, 200e6)
    frame = pandas.DataFrame({"cpu": cpu, "memory": memory})
    for times, cores, peaks in [
        (seconds, cpu, memory),
        (list(seconds), list(cpu), list(memory)),
        ((seconds * 1000).astype("datetime64[ms]"), cpu[::-1], memory.astype("int64")),
        (pandas.to_datetime(seconds, unit="s", utc=True), frame["cpu"], frame["memory"]),
    ]:
        sizer = Sizer()
        assert sizer.observe_many(times, cpu=cores, memory=peaks) == []
        assert sizer.snapshot() == fed().snapshot()


def test_a_missing_reading_is_none_or_nan_and_what_is_refused_has_its_place() -> None:
    sizer = Sizer()
    nan = float("nan")
    refused = sizer.observe_many([0, 60, 120, 90], cpu=[None, nan, -5.0, 7.0], memory=[1e8] * 4)
    assert [index for index, _ in refused] == [2, 3]
    (_, negative), (_, back) = refused
    assert negative.cpu is not None and negative.cpu.code == "metric_invalid"
    assert negative.memory is None
    assert back.cpu is None and back.memory is not None
    assert back.memory.code == "time_went_back"
    # Beside one alone NaN is no missing reading, but an invalid one.
    assert sizer.observe(at=180, cpu=nan).cpu == negative.cpu
    assert not Refused(None, None)


def test_times_may_be_aware_datetimes() -> None:
    sizer, twin = Sizer(), Sizer()
    noon = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
    sizer.observe(at=noon, cpu=250)
    twin.observe(at=noon.timestamp(), cpu=250)
    assert sizer.recommend(noon) == twin.recommend()
    assert sizer.snapshot() == twin.snapshot()


def test_out_of_memory_counts_as_a_peak_above_what_was_requested() -> None:
    sizer = fed()
    before = sizer.recommend().memory.bounds
    assert sizer.out_of_memory(at=DAY + 60, requested=5e8) is None
    after = sizer.recommend().memory.bounds
    assert before is not None and after is not None
    assert after.target > 6e8 > before.target
    reason = sizer.out_of_memory(at=DAY + 60, requested=-1.0)
    assert isinstance(reason, Reason) and reason.code == "metric_invalid"


def test_a_starting_container_gets_its_boost() -> None:
    boost = {"type": "factor", "factor": 3, "duration": timedelta(seconds=30)}
    sizer = Sizer({"startup_boost": boost})
    sizer.observe(at=0, cpu=100.0)
    size = sizer.recommend()
    times: list[Any] = [None, 29, "30s", timedelta(minutes=1)]
    assert [sizer.startup_cpu(size, ready) for ready in times] == [378, 378, 126, 126]


def test_a_wrong_setting_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean `margin`") as caught:
        Sizer({"marign": 0.2})
    assert caught.value.path == "marign"
    with pytest.raises(ConfigError, match=r"`cpu.half_life` is 0, must be above 0"):
        Sizer("cpu:\n  half_life: 0\n")
    with pytest.raises(TypeError, match="`config`"):
        Sizer(3)  # type: ignore[arg-type]


def test_what_is_no_sample_is_refused_and_nothing_is_taken_in() -> None:
    sizer = fed()
    before = sizer.snapshot()
    with pytest.raises(ObservationError, match="`cpu` has 1 readings, must have 2, as `times`"):
        sizer.observe_many([DAY + 60, DAY + 120], cpu=[1.0])
    with pytest.raises(ObservationError, match="`memory` has 0 readings, must have 1"):
        sizer.observe_many([DAY + 60], memory=[])
    with pytest.raises(ObservationError, match="milliseconds"):
        sizer.observe(at=1e14, cpu=1.0)
    with pytest.raises(ObservationError, match="time zone"):
        sizer.observe(at=datetime(2026, 1, 5), cpu=1.0)
    with pytest.raises(TypeError):
        sizer.observe(at=DAY + 60, cpu="many")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sizer.observe(at=DAY + 60, cpus=1.0)  # type: ignore[call-arg]
    assert sizer.snapshot() == before


def test_a_checkpoint_goes_there_and_back() -> None:
    sizer = fed()
    status = sizer.checkpoint(DAY)
    assert status["version"] == "v3" and status["totalSamplesCount"] == 1441
    twin = Sizer.from_checkpoint(json.loads(json.dumps(status)))
    assert twin.recommend(DAY).cpu == sizer.recommend(DAY).cpu
    with pytest.raises(SnapshotError, match='is "v2", must be "v3"'):
        Sizer.from_checkpoint(status | {"version": "v2"})
    with pytest.raises(SnapshotError, match="the checkpoint is damaged"):
        Sizer.from_checkpoint({"version": 3})
    with pytest.raises(TypeError, match="`checkpoint`"):
        Sizer.from_checkpoint("v3")  # type: ignore[arg-type]


def test_a_snapshot_loses_nothing_and_a_damaged_one_is_refused() -> None:
    sizer = fed()
    for twin in (
        Sizer.restore(sizer.snapshot()),
        Sizer.restore(sizer.to_dict()),
        pickle.loads(pickle.dumps(sizer)),
    ):
        assert twin.snapshot() == sizer.snapshot()
        assert twin.recommend(DAY) == sizer.recommend(DAY)
    for damaged in (sizer.snapshot()[:-9], b"{}", {"format": "forescale sizer", "version": 9}):
        with pytest.raises(SnapshotError):
            Sizer.restore(damaged)


def test_a_container_that_is_forgotten_may_start_over() -> None:
    sizer = Sizer()
    assert not sizer.observe(at=60, cpu=1.0, container="web-0")
    assert sizer.observe(at=0, cpu=1.0, container="web-0")
    sizer.forget("web-0")
    assert not sizer.observe(at=0, cpu=1.0, container="web-0")


def codes(refused: Refused) -> list[str | None]:
    return [reason and reason.code for reason in refused]


def run(sizing: dict[str, Any], *, pickled: bool = False) -> tuple[Sizer, list[str]]:
    sizer, lines = Sizer(sizing["config"]), []
    for event in sizing["events"]:
        if pickled:
            sizer = pickle.loads(pickle.dumps(sizer))
        ((kind, given),) = event.items()
        at = given["at"] / 1000
        rest = {key: value for key, value in given.items() if key not in ("at", "refused")}
        if kind == "observe":
            assert codes(sizer.observe(at=at, **rest)) == given.get("refused", [None, None])
        elif kind == "out_of_memory":
            assert sizer.out_of_memory(at=at, **rest) is None
        else:
            lines.append(sizer.recommend(at).to_json())
    return sizer, lines


def test_there_are_sizings() -> None:
    assert SIZINGS, f"none in {FOLDER}"


@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("file", SIZINGS, ids=lambda file: file.name)
def test_a_sizing_recommends_as_written_to_the_byte(file: Path, pickled: bool) -> None:
    name = file.name.removesuffix(".sizing.json")
    lines = (FOLDER / f"{name}.recommendations.jsonl").read_text(encoding="utf-8").splitlines()
    snapshot = (FOLDER / f"{name}.snapshot.json").read_bytes()
    sizer, got = run(json.loads(file.read_text(encoding="utf-8")), pickled=pickled)
    assert got == lines
    assert sizer.snapshot() == snapshot
    assert Sizer.restore(snapshot).recommend() == sizer.recommend()


def known_keys(config: dict[str, Any]) -> set[str]:
    with pytest.raises(ConfigError, match=r"is not a known setting") as caught:
        Sizer(config)
    _, told, known = str(caught.value).partition("(known: ")
    assert told, f"the core words it otherwise now: {caught.value}"
    return set(re.findall(r"`(\w+)`", known))


def test_the_keys_of_the_types_are_those_of_the_core() -> None:
    assert get_type_hints(settings.Sizing).keys() == known_keys({"?": 1})
    assert get_type_hints(settings.Sizing).keys() == Sizer().settings.keys()
    resource = get_type_hints(settings.ResourceSizing).keys()
    assert resource == known_keys({"cpu": {"?": 1}}) == known_keys({"memory": {"?": 1}})
    for boost in get_args(settings.StartupBoost):
        hints = get_type_hints(boost)
        (kind,) = get_args(hints["type"])
        assert hints.keys() - {"type"} == known_keys({"startup_boost": {"type": kind, "?": 1}})
