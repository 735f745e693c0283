"""What watches several series, or a limit."""

from __future__ import annotations

import math
import pickle
import re
from datetime import datetime, timezone
from typing import Any, get_type_hints

import pytest

from forescale import (
    Abstain,
    Break,
    ConfigError,
    Limit,
    ObservationError,
    Peers,
    Relation,
    SnapshotError,
    TimeToLimit,
    settings,
)


def tick(minute: int, broken: float) -> dict[str, float]:
    cpu = {f"web-{k}": 0.5 + (minute * 31 + k * 17) % 19 / 100 for k in range(6)}
    cpu["web-2"] += broken
    return cpu


def test_the_replica_that_differs_is_named() -> None:
    peers = Peers()
    first = peers.see(0, tick(0, 0.0))
    assert isinstance(first, Abstain) and first.reason.code == "too_little_history"
    for minute in range(1, 50):
        peers.see(60 * minute, tick(minute, 0.0))
    twin = pickle.loads(pickle.dumps(peers))
    other = Peers.restore(peers.to_dict())
    for minute in range(50, 60):
        at = datetime.fromtimestamp(60 * minute, timezone.utc)
        odd = peers.see(at, tick(minute, 0.6) | {"gone": math.nan})
        assert twin.see(at, tick(minute, 0.6)) == other.see(at, tick(minute, 0.6)) == odd
    assert isinstance(odd, list)
    assert [(peer.name, peer.side, peer.is_new) for peer in odd] == [("web-2", "above", False)]
    assert odd[0].since == datetime.fromtimestamp(3000, timezone.utc)
    assert peers.see(3540, tick(59, 0.6)) == []
    few = peers.see(3600, {"a": 1.0, "b": None})
    assert not few and "only 1 members report" in few.explain()  # type: ignore[union-attr]


def test_two_metrics_that_part_are_told() -> None:
    relation = Relation(memory=500)
    for minute in range(320):
        load = 500.0 + 3 * (minute * 7919 % 101)
        cpu = load / 1000 + (minute * 31 % 17) / 1000 if minute < 300 else 0.2
        told = relation.observe(60 * minute, load, cpu)
        if minute < 59:
            assert isinstance(told, Abstain) and not told
        elif 100 < minute < 300:
            assert told is None
    assert isinstance(told, Break)
    assert (told.moved, told.is_above) == ("second", False)
    assert told.since >= datetime.fromtimestamp(300 * 60, timezone.utc)
    twin = Relation.restore(relation.snapshot())
    assert twin.observe(19200, None, 1.0) is None
    assert twin.snapshot() == relation.snapshot()


def test_the_time_to_a_limit_has_a_range() -> None:
    memory = TimeToLimit(limit=900, side="above")
    assert isinstance(memory.answer(), Abstain) and memory.per_day() is None
    minutes = range(200)
    values: list[float | None] = [300.0 + 2 * m + m * 37 % 21 - 10 for m in minutes]
    memory.observe([60 * m for m in minutes], values[:50] + [None] + values[51:])
    answer = memory.answer()
    assert isinstance(answer, Limit) and not answer.reached and answer.not_before is None
    assert answer.earliest and answer.likely and answer.latest
    assert answer.earliest < answer.likely < answer.latest
    assert answer.likely.timestamp() / 60 == pytest.approx(300, abs=10)
    lower, likely, upper = memory.per_day() or (0.0, 0.0, 0.0)
    assert lower < 2880 < upper and likely == pytest.approx(2880, abs=100)
    assert pickle.loads(pickle.dumps(memory)).answer() == answer
    memory.reset()
    for minute in minutes:
        memory.observe(datetime.fromtimestamp(60 * (200 + minute), timezone.utc), 950)
    reached = memory.answer()
    assert isinstance(reached, Limit) and reached.reached and reached.likely is None
    flat = TimeToLimit(limit=900)
    flat.observe([60.0 * m for m in minutes], [300.0 + m * 7919 % 13 for m in minutes])
    quiet = flat.answer()
    assert isinstance(quiet, Limit) and quiet.likely is None and quiet.not_before


@pytest.mark.parametrize("kind", [Peers, Relation, TimeToLimit])
def test_the_settings_are_those_of_the_core(kind: Any) -> None:
    given = {"limit": 1.0} if kind is TimeToLimit else {}
    known = kind(**given).settings.keys()
    assert known == get_type_hints(getattr(settings, kind.__name__)).keys()
    with pytest.raises(ConfigError, match="is not a known setting") as caught:
        kind(**given, wrong=1)
    told = str(caught.value).partition("(known: ")[2]
    assert set(re.findall(r"`(\w+)`", told)) == set(known)


def test_refusals_name_the_place() -> None:
    with pytest.raises(ConfigError, match="`chance` is 2") as caught:
        Relation(chance=2)
    assert caught.value.path == "chance"
    with pytest.raises(ConfigError, match="limit"):
        TimeToLimit()
    with pytest.raises(TypeError, match="must be a mapping"):
        Peers().see(0, [1.0, 2.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="readings"):
        Peers().see(0, {"a": "x"})  # type: ignore[dict-item]
    with pytest.raises(ObservationError, match="has 1 entries, must have 2"):
        TimeToLimit(limit=1).observe([1, 2], [1])
    with pytest.raises(SnapshotError, match="no snapshot of a relation"):
        Relation.restore(Peers().snapshot())
