"""The loop of one workload."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from . import _convert, _native
from ._native import Decision
from ._saved import Saved
from .errors import ForescaleError
from .forecast import Abstain, Accuracy, AccuracyRow, Forecast, _answer
from .readings import Reading

if TYPE_CHECKING:
    from .settings import Config

__all__ = ["Autoscaler", "Setting"]


class Setting(NamedTuple):
    """A setting in force, and where it comes from."""

    value: Any
    """Its value; spans of time are texts, such as ``"2m"``."""

    given: bool
    """Whether it was given; if not, it is the default."""


class Autoscaler(Saved):
    """Turns observations of one workload into decisions.

    It reads no clock, no network and no environment: time comes in with the observation, and the
    same input gives the same answer on every machine. Any thread may use it.

    Parameters
    ----------
    config
        A mapping, or JSON or YAML text; the keys are the same in every language. Durations are
        texts such as ``"90s"``, numbers of seconds, or ``timedelta``. Their types stand in
        :mod:`forescale.settings`.

    Raises
    ------
    ConfigError
        If a setting is unknown, out of range or in conflict; ``path`` says which.

    Examples
    --------
    >>> scaler = Autoscaler({
    ...     "min_replicas": 2,
    ...     "max_replicas": 60,
    ...     "metrics": {"rps": {"kind": "total"}},
    ...     "policies": [{"kind": "target", "metric": "rps", "target": 100}],
    ... })
    >>> decision = scaler.decide(at=1_767_603_600, ready=7, metrics={"rps": 1240.0})
    >>> decision.replicas
    13
    """

    __slots__ = ()
    _restore = staticmethod(_native.Autoscaler.restore)
    _core: _native.Autoscaler

    def __init__(self, config: Config | Mapping[str, Any] | str) -> None:
        self._core = _native.Autoscaler(_convert.config_text(config))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """From a JSON or YAML file, in UTF-8."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            return cls(text)
        except ForescaleError as error:
            error.add_note(f"in {os.fspath(path)}")
            raise

    def warm_up(
        self, metric: str, times: Iterable[datetime | float], values: Iterable[float | None]
    ) -> None:
        """Feed the history of a metric, so that it can be forecast from the start.

        Parameters
        ----------
        metric
            Its name in the configuration.
        times
            Rising: aware datetimes, seconds since 1970, a NumPy array of either (``datetime64``
            is UTC), or a column of pandas or polars.
        values
            The load of the whole workload at each time, in its unit; None or NaN if missing.

        Raises
        ------
        ObservationError
            If the two differ in length, a time is none, or a value is negative or infinite.
        """
        self._core.warm_up(metric, _convert.times(times), _convert.values(values))

    def regressor(
        self,
        metric: str,
        name: str,
        times: datetime | float | Iterable[datetime | float],
        values: float | Iterable[float],
    ) -> None:
        """Tell what is known besides the load, for a forecaster of the kind ``regressors``.

        Each value holds from its time until the next; a series told anew replaces what was known
        from its first time on. Times may lie ahead, so that a campaign is known before it begins; what
        belongs to a load should be told before it, and before its history. A regressor with the name of
        a metric of the configuration is not told: the readings of that metric are its values, and
        :meth:`warm_up` takes older ones.

        Parameters
        ----------
        metric
            The metric whose load is forecast.
        name
            One of the ``regressors`` of its forecaster's settings.
        times, values
            As of :meth:`warm_up`, none missing, negative ones too; or one time and its value. The latest
            100,000 are kept.

        Raises
        ------
        ObservationError
            If no policy forecasts the metric, its forecaster has no regressor of that name or reads it
            from a metric, the two differ in length, the times do not rise, or a value is not finite.

        Examples
        --------
        >>> scaler = Autoscaler({
        ...     "max_replicas": 30,
        ...     "metrics": {"rps": {"kind": "total"}},
        ...     "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
        ...     "policies": [{"kind": "predictive", "metric": "rps", "forecaster": {
        ...         "kind": "regressors", "regressors": {"campaign": {"lags": ["0s"]}}}}],
        ... })
        >>> scaler.regressor("rps", "campaign", [1_767_603_600, 1_767_607_200], [1.0, 0.0])
        """
        self._core.regressor(metric, name, *_convert.pairs(times, values))

    def decide(
        self,
        *,
        at: datetime | float,
        ready: int,
        pending: int = 0,
        requested: int | None = None,
        metrics: Mapping[str, Reading] | None = None,
    ) -> Decision:
        """Answer what was seen at one moment.

        Bad data (a metric that is missing, NaN or negative, a clock that went back) is answered
        by holding, with the reason; only what is no observation at all is refused.

        Parameters
        ----------
        at
            When it was seen: an aware datetime, or seconds since 1970.
        ready, pending
            Replicas that serve, and replicas that are starting.
        requested
            The size the workload is asked to have, where it differs from ready and pending
            together (Kubernetes: ``spec.replicas``).
        metrics
            The readings by name. Each a number or None; ``{"total": x}`` or ``{"average": x}``,
            whatever the metric's kind; or a list with one reading a replica: a number, None, or
            ``{"value": x, "request": x, "phase": "ready"}``.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        ObservationError
            If ``at`` has no time zone, a count is negative, or a mapping is no reading.
        """
        return self._core.decide(_convert.seconds(at), ready, pending, requested, metrics)

    def forecast(
        self,
        metric: str,
        *,
        horizon: str | float | timedelta,
        quantiles: Sequence[float] = (0.5, 0.95),
    ) -> Forecast | Abstain:
        """Forecast the load of a metric that a policy looks ahead on.

        Parameters
        ----------
        metric
            Its name in the configuration.
        horizon
            How far ahead: a text such as ``"30m"``, seconds, or a timedelta.
        quantiles
            Rising, each in (0, 1).

        Returns
        -------
        Forecast or Abstain
            ``Abstain`` is falsy and says why there is none.

        Raises
        ------
        ObservationError
            If no policy forecasts the metric, or a quantile is out of range.
        """
        return _answer(self._core.forecast(metric, _convert.span(horizon), quantiles))

    def said(
        self,
        metric: str,
        *,
        at: datetime | float,
        load: float | None = None,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    ) -> dict[str, Any] | None:
        """Tell what the forecast says of a moment, beside the load that came.

        The forecast is that from the last closed step on, so of the observation decided last it
        knows nothing yet.

        Parameters
        ----------
        metric
            Its name in the configuration.
        at
            The moment: an aware datetime, or seconds since 1970.
        load
            The load of the whole workload that came then.
        quantiles
            Rising, each in (0, 1).

        Returns
        -------
        dict or None
            ``issued_at`` (milliseconds), ``ahead``, ``quantiles``, ``values``, ``came`` and a
            sentence, ``told``. None where the forecast abstains or does not reach there.

        Raises
        ------
        ObservationError
            If no policy forecasts the metric, or a quantile is out of range.
        """
        answer = self._core.said(metric, _convert.seconds(at), load, quantiles)
        if answer is None:
            return None
        said: dict[str, Any] = json.loads(answer[0])
        return said | {"told": answer[1]}

    def accuracy(self, metric: str) -> Accuracy:
        """Tell how good the forecasts of a metric have been, once their truth had come.

        Parameters
        ----------
        metric
            Its name in the configuration.

        Returns
        -------
        Accuracy
            Rows for the horizons of 1, 2, 4, ... steps and the lead time: the forecaster's, and
            those of "as now", the same time yesterday and the level lately on the same steps.

        Raises
        ------
        ObservationError
            If no policy forecasts the metric.
        """
        rows: list[AccuracyRow] = []
        for of, ahead, quantile, n_judged, lately, ever in self._core.accuracy(metric):
            span = timedelta(seconds=ahead)
            rows.append(AccuracyRow(of, span, quantile, n_judged, *lately, *ever))
        return Accuracy(rows)

    @property
    def config(self) -> dict[str, Setting]:
        """Every setting in force by its place, sorted by name.

        >>> scaler = Autoscaler({
        ...     "max_replicas": 9,
        ...     "metrics": {"cpu": {"kind": "utilization"}},
        ...     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}],
        ... })
        >>> scaler.config["min_replicas"]
        Setting(value=1, given=False)
        """
        settings = json.loads(self._core.settings())
        return {each["path"]: Setting(each["value"], each["given"]) for each in settings}

    def __repr__(self) -> str:
        config = self.config
        members = [
            str(setting.value)
            for role in ("policies[", "guards[")
            for path, setting in config.items()
            if path.startswith(role) and path.endswith("].kind")
        ]
        return (
            f"<forescale.Autoscaler {config['min_replicas'].value} to "
            f"{config['max_replicas'].value} replicas, mode {config['mode'].value}: "
            f"{', '.join(members)}>"
        )
