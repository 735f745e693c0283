"""The models that are compared: ours, the peers as their packages make them, and seasonal naive.

In: a `Task`. Out: values [horizon, quantile] at `QUANTILES`, or `None` from a model that abstains.
Every model gets the same history and the same season, and no setting of any trace.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scores import BASE, QUANTILES
from traces import Floats, Task

Run = Callable[[Task], Floats | None]
# Central intervals whose upper ends are the quantiles above the median, as 0.9 = (1 + 0.8) / 2.
LEVELS = tuple(round(200.0 * q - 100.0) for q in QUANTILES[1:])


@dataclass(frozen=True)
class Model:
    """A name in the table; `load` imports the package, which then is paid for once and not by a forecast."""

    name: str
    load: Callable[[], Run]
    # What the version of is part of the name of the cache; `None` is never cached.
    package: str | None
    # Below an hour a step, run at every n-th origin alone: what takes a second a forecast would take the day.
    every: int = 1


def seasonal_naive(task: Task) -> Floats:
    """The value a day ago, plus the quantiles of all such errors in the history; the median is the value itself.

    Without a day of history: the last value, plus the quantiles of its errors one step ahead.
    """
    y, season = task.history, task.season
    errors = np.quantile(y[season:] - y[:-season], QUANTILES)
    errors[0] = 0.0
    return np.asarray(np.resize(y[-season:], task.horizon)[:, None] + errors)


def ours(kind: str) -> Model:
    """A model of forescale, through its Python package, with default settings."""

    def load() -> Run:
        import forescale

        def run(task: Task) -> Floats | None:
            try:
                model = forescale.Forecaster({"kind": kind}, step=task.series.step)
            except forescale.ConfigError as error:
                # As a day is no whole number of steps of 57 s for a kind with a season to set.
                print(f"forescale {kind} at {task.key}: {error}", file=sys.stderr)
                return None
            model.observe(task.times + task.series.step, task.history)  # ends of steps
            forecast = model.forecast(horizon=task.horizon, quantiles=list(QUANTILES))
            return forecast.to_numpy() if forecast else None

        return run

    return Model(f"forescale {kind}", load, package=None)


def _augurs_mstl() -> Run:
    import augurs

    def run(task: Task) -> Floats | None:
        if task.season == 1:
            return None
        model = augurs.MSTL.ets([task.season])
        model.fit(task.history)
        point = model.predict(task.horizon).point()
        uppers = [model.predict(task.horizon, level / 100.0).upper() for level in LEVELS]
        return np.stack([point, *uppers], axis=1)

    return run


def _statsforecast(make: Callable[[Any, int], Any]) -> Callable[[], Run]:
    """`make` takes the package's models and the season, and gives a model or `None` where it cannot be asked."""

    def load() -> Run:
        from statsforecast import models

        def run(task: Task) -> Floats | None:
            model = make(models, task.season)
            if model is None:
                return None
            found = model.forecast(y=task.history, h=task.horizon, level=list(LEVELS))
            return np.stack([found["mean"], *(found[f"hi-{level}"] for level in LEVELS)], axis=1)

        return run

    return load


def _flaircast() -> Run:
    import flaircast

    names = {60: "min", 300: "5min", 1_800: "30min", 3_600: "H"}

    def run(task: Task) -> Floats:
        # A step without a name of its own (57 s) goes by the nearest one.
        step = min(names, key=lambda known: abs(known - task.series.step))
        paths = flaircast.forecast(task.history, horizon=task.horizon, freq=names[step], seed=0)
        return np.quantile(paths, QUANTILES, axis=0).T

    return run


def _prophet() -> Run:
    import logging

    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)

    def run(task: Task) -> Floats:
        step = pd.Timedelta(seconds=task.series.step)
        times = pd.to_datetime(task.times, unit="s")
        # One wide sampling gives all quantiles; `interval_width` would give one pair a fit.
        model = Prophet()
        model.fit(pd.DataFrame({"ds": times, "y": task.history}))
        ahead = pd.DataFrame({"ds": times[-1] + step * np.arange(1, task.horizon + 1)})
        np.random.seed(0)  # Prophet samples from the global generator
        return np.quantile(model.predictive_samples(ahead)["yhat"], QUANTILES, axis=1).T

    return run


def _lightgbm() -> Run:
    import lightgbm

    def run(task: Task) -> Floats:
        y, season, horizon = task.history, task.season, task.horizon
        # Direct: a row for each pair of origin and step, lags relative to the origin and the day.
        lags = min(season, 24)
        first = max(season, lags) + horizon
        every = max(1, (len(y) - first) * horizon // 20_000)
        origins = np.arange(first, len(y) - horizon + 1, every)

        def features(origins: Any) -> Floats:
            steps = np.tile(np.arange(horizon), len(origins))
            at = np.repeat(origins, horizon)
            recent = np.stack([y[at - lag] for lag in range(1, lags + 1)], axis=1)
            day_ago = [y[at - season + steps + d] for d in (-2, -1, 0, 1, 2) if season > horizon + 2]
            phase = (at + steps) % season
            return np.column_stack([recent, *day_ago, phase, steps])

        x, wanted = features(origins), np.concatenate([y[o : o + horizon] for o in origins])
        ahead = features(np.array([len(y)]))
        columns = []
        for q in QUANTILES:
            settings = {"objective": "quantile", "alpha": q, "num_threads": 1, "verbose": -1, "seed": 0}
            rows = lightgbm.Dataset(x, wanted)
            columns.append(lightgbm.train(settings, rows, num_boost_round=100).predict(ahead))
        return np.maximum.accumulate(np.stack(columns, axis=1), axis=1)

    return run


def _river() -> Run:
    from river import time_series

    def run(task: Task) -> Floats | None:
        if task.season == 1:
            return None
        model = time_series.HoltWinters(alpha=0.3, beta=0.01, gamma=0.3, seasonality=task.season)
        errors: list[Floats] = []
        for at, value in enumerate(task.history):
            # It has no intervals: the quantiles are those of its own last errors, by step.
            if at > 2 * task.season and at % 7 == 0 and at + task.horizon <= len(task.history):
                errors.append(task.history[at : at + task.horizon] - model.forecast(task.horizon))
            model.learn_one(float(value))
        spread = np.quantile(errors, QUANTILES, axis=0).T if errors else np.zeros((task.horizon, 4))
        return np.asarray(model.forecast(task.horizon))[:, None] + spread

    return run


STATSFORECAST = {
    # name: (model, every)
    "MSTL": (lambda sf, season: sf.MSTL([season]) if season > 1 else None, 2),
    # With the season of a day AutoETS takes minutes a forecast at 5 minutes (195 s).
    "AutoETS without season": (lambda sf, season: sf.AutoETS(1, "ZZN"), 4),
    "AutoTheta": (lambda sf, season: sf.AutoTheta(season), 8),
    "SeasonalNaive": (lambda sf, season: sf.SeasonalNaive(season), 1),
}

PEERS = [
    Model(BASE, lambda: seasonal_naive, "numpy"),
    Model("augurs MSTL", _augurs_mstl, "augurs"),
    *(
        Model(f"statsforecast {name}", _statsforecast(make), "statsforecast", every)
        for name, (make, every) in STATSFORECAST.items()
    ),
]
EXTRAS = [
    Model("flaircast", _flaircast, "flaircast"),
    Model("river Holt-Winters", _river, "river"),
    Model("LightGBM per series", _lightgbm, "lightgbm", every=4),
    Model("Prophet", _prophet, "prophet", every=4),
]
