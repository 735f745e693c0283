"""History from Prometheus: the server's answers in, times and values out.

Nothing is fetched here; whatever client the host has will do. A server refuses a query of more than
11,000 points a series, so ``chunks`` tells what to ask for and ``read`` stitches the answers::

    query = 'sum(rate(http_requests_total{job="shop"}[5m]))'
    answers = [
        requests.get(
            "http://localhost:9090/api/v1/query_range",
            params={"query": query, "start": start, "end": end, "step": 60},
        ).content  # an error's body too: it says what is wrong
        for start, end in forescale.prometheus.chunks(monday, sunday, "1m")
    ]
    history = forescale.prometheus.read(answers)
    scaler.warm_up("rps", *history)
    report = forescale.replay(config, history)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self, TypeAlias

from . import _convert, _native

__all__ = ["Answer", "History", "chunks", "read"]

Answer: TypeAlias = bytes | bytearray | memoryview | str | Mapping[str, Any]
"""The body of an answer to ``GET /api/v1/query_range``, or the mapping parsed from it."""


class History(tuple[list[float], list[float | None]]):
    """A recorded load on a fixed step: the pair of ``times`` and ``values``, and what is known of it.

    As a pair it is what :func:`forescale.replay` takes as a trace, and, unpacked, what
    :meth:`forescale.Autoscaler.warm_up` takes.
    """

    step: timedelta
    """The distance of two times."""

    warnings: list[str]
    """What the server warned of, such as data it could not reach; each text once."""

    def __new__(
        cls,
        times: list[float],
        values: list[float | None],
        step: timedelta,
        warnings: list[str],
    ) -> Self:
        self = super().__new__(cls, (times, values))
        self.step, self.warnings = step, warnings
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.times, self.values, self.step, self.warnings

    @property
    def times(self) -> list[float]:
        """Seconds since 1970, one time a step from the first sample to the last."""
        return self[0]

    @property
    def values(self) -> list[float | None]:
        """The value at each time; None where the record has none, or NaN or an infinity."""
        return self[1]

    @property
    def n_missing(self) -> int:
        """How many of the values are None."""
        return self.values.count(None)

    def __repr__(self) -> str:
        n_values, n_missing = len(self.values), self.n_missing
        return f"<forescale.prometheus.History of {n_values} values, {n_missing} missing>"


def read(
    answers: Answer | Iterable[Answer],
    *,
    labels: Mapping[str, str] | None = None,
    sum: bool = False,
    counter: bool = False,
    step: str | float | timedelta | None = None,
) -> History:
    """Read one series of times and values from the answers to a range query.

    Parameters
    ----------
    answers
        The body of one answer or of several, in any order: bytes, text, or the mapping parsed from
        it. They must belong to one query with one step. They may overlap: the last one wins.
    labels
        Only series with all of these labels count. Default: every series.
    sum
        Adds the series up. Default: there must be exactly one.
    counter
        The series are raw counters and become rates per second; a fall is a restart from 0.
    step
        The step of the query. Default: the shortest distance between two samples.

    Raises
    ------
    TraceError
        If an answer is none (the server's own words if it is an error), is not that of a range
        query, or if the series are several, none, without a value, or not on one step.
    ConfigError
        If an option is out of range.

    Examples
    --------
    >>> answer = '''{"status": "success", "data": {"resultType": "matrix", "result": [
    ...     {"metric": {"job": "shop"}, "values": [[0, "1.5"], [60, "NaN"], [120, "3"]]}]}}'''
    >>> history = read(answer)
    >>> history.times, history.values, history.n_missing
    ([0.0, 60.0, 120.0], [1.5, None, 3.0], 1)
    """
    if isinstance(answers, bytes | bytearray | memoryview | str | Mapping):
        answers = [answers]
    options: dict[str, Any] = {"sum": sum, "counter": counter}
    if labels is not None:
        options["labels"] = labels
    if step is not None:
        options["step"] = _convert.span(step)
    bodies = [_body(answer, f"answers[{number}]") for number, answer in enumerate(answers)]
    text = _convert.config_text(options, "options")
    times, values, seconds, warnings = _native.read_prometheus(bodies, text)
    return History(times, values, timedelta(seconds=seconds), warnings)


def _body(answer: Any, path: str) -> bytes:
    if isinstance(answer, Mapping):
        return json.dumps(answer, default=dict).encode()
    if isinstance(answer, str):
        return answer.encode()
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    wanted = "bytes, a text or a mapping"
    raise TypeError(f"`{path}` is of type {type(answer).__name__}, must be {wanted}")


def chunks(
    start: datetime | float, end: datetime | float, step: str | float | timedelta
) -> list[tuple[float, float]]:
    """Tell the queries to ask for: start and end of each, in seconds, at most 11,000 points apart.

    Both ends are included, and each point from ``start`` to ``end`` is asked for once.

    Raises
    ------
    TraceError
        If the step is 0, the end lies before the start, or they are more than 100,000 queries.

    Examples
    --------
    >>> chunks(0, 20_000 * 60, "1m")
    [(0.0, 659940.0), (660000.0, 1200000.0)]
    """
    start, end = _convert.seconds(start, "start"), _convert.seconds(end, "end")
    return _native.prometheus_chunks(start, end, _convert.span(step))
