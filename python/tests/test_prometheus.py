"""History from a Prometheus server's answers: every form of answer, options, refusals."""

from __future__ import annotations

import copy
import json
import math
import pickle
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from forescale import Autoscaler, ConfigError, TraceError, replay
from forescale.prometheus import History, chunks, read


def answer(values: list[tuple[float, str]], **labels: str) -> dict[str, Any]:
    result = [{"metric": labels, "values": [list(pair) for pair in values]}]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


SHOP = answer([(0.5, "1.5"), (60.5, "NaN"), (120.5, "3")], job="shop")


def test_every_form_of_answer_is_the_same() -> None:
    want = ([0.5, 60.5, 120.5], [1.5, None, 3.0])
    text = json.dumps(SHOP)
    body = text.encode()
    for form in (SHOP, MappingProxyType(SHOP), text, body, bytearray(body), memoryview(body)):
        assert read(form) == want, type(form)
        assert read([form]) == want, type(form)
    assert read(each for each in (body, SHOP)) == want


def test_a_history_tells_what_is_known_of_it() -> None:
    history = read(SHOP | {"warnings": ["one store lost"]})
    assert (history.step, history.n_missing) == (timedelta(minutes=1), 1)
    assert history.warnings == ["one store lost"]
    assert repr(history) == "<forescale.prometheus.History of 3 values, 1 missing>"
    for twin in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert isinstance(twin, History)
        assert (twin, twin.step, twin.warnings) == (history, history.step, history.warnings)


def test_answers_are_stitched_in_any_order() -> None:
    later = answer([(120.5, "4"), (180.5, "5")], job="shop")
    assert read([SHOP, later]).values == [1.5, None, 4.0, 5.0]
    assert read([later, SHOP]).values == [1.5, None, 3.0, 5.0]


def test_series_are_chosen_and_added_up() -> None:
    pods = answer([(0, "1"), (60, "2")], pod="a")
    pods["data"]["result"] += answer([(0, "10"), (60, "20")], pod="b")["data"]["result"]
    with pytest.raises(TraceError, match=r'has 2 series, must have 1.*\{pod="a"\}, \{pod="b"\}'):
        read(pods)
    assert read(pods, labels={"pod": "b"}).values == [10.0, 20.0]
    assert read(pods, sum=True).values == [11.0, 22.0]
    assert read(pods, sum=True, labels={"pod": "a"}).values == [1.0, 2.0]


def test_a_counter_becomes_a_rate() -> None:
    counts = answer([(0, "100"), (60, "160"), (120, "30")])
    history = read(counts, counter=True)
    assert history == ([60.0, 120.0], [1.0, 0.5])


def test_the_step_may_be_given_in_any_form() -> None:
    sparse = answer([(0, "1"), (120, "3")])
    assert read(sparse).values == [1.0, 3.0]
    for step in ("1m", 60, timedelta(minutes=1)):
        assert read(sparse, step=step).values == [1.0, None, 3.0]


def test_history_is_replayed_and_warms_up(predictive: dict[str, Any], start: int) -> None:
    minutes = range(2 * 1440)
    load = [1000 + 700 * math.sin(2 * math.pi * minute / 1440) for minute in minutes]
    texts = ["NaN" if minute == 700 else repr(load[minute]) for minute in minutes]
    history = read(answer([(start + 60 * minute, texts[minute]) for minute in minutes]))
    times = [start + 60.0 * minute for minute in minutes]
    values = [None if minute == 700 else load[minute] for minute in minutes]
    assert history == (times, values)

    told = replay(predictive, (times, values), {"scored": "8h"}).to_json()
    assert replay(predictive, history, {"scored": "8h"}).to_json() == told
    one, other = Autoscaler(predictive), Autoscaler(predictive)
    one.warm_up("rps", *history)
    other.warm_up("rps", times, values)
    assert one.snapshot() == other.snapshot()


@pytest.mark.parametrize(
    ("answers", "options", "error", "message"),
    [
        (b"", {}, TraceError, r"`answers\[0\]` is empty"),
        ([SHOP, b"<html>"], {}, TraceError, r"`answers\[1\]` begins with"),
        (json.dumps(SHOP)[:99], {}, TraceError, "not JSON: EOF while parsing"),
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error"},
            {},
            TraceError,
            r"`answers\[0\].status` is \"error\" \(bad_data\): parse error",
        ),
        ([], {}, TraceError, "has no series"),
        (SHOP, {"labels": {"job": "bank"}}, TraceError, "match none of the series"),
        (SHOP, {"step": "0s"}, ConfigError, "`step` is 0s"),
        (SHOP, {"step": "soon"}, ConfigError, "`step`"),
        (3, {}, TypeError, "int"),
        ([3], {}, TypeError, r"`answers\[0\]` is of type int"),
        ([None], {}, TypeError, r"`answers\[0\]` is of type NoneType"),
    ],
    ids=lambda case: str(case)[:30],
)
def test_what_is_no_history_is_refused(
    answers: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(answers, **options)


def test_chunks_take_times_in_any_form() -> None:
    want = [(0.0, 659_940.0), (660_000.0, 660_000.0)]
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert chunks(0, 660_000, 60) == want
    assert chunks(epoch, epoch + timedelta(seconds=660_059), timedelta(minutes=1)) == want
    with pytest.raises(TraceError, match="`end` lies before"):
        chunks(1, 0, "1m")
    with pytest.raises(TraceError, match="`step` is 0"):
        chunks(0, 1, 0)
    with pytest.raises(ConfigError, match="`step`"):
        chunks(0, 1, "soon")
    with pytest.raises(TypeError, match="`start`"):
        chunks("monday", 1, 60)  # type: ignore[arg-type]
