"""What a type checker says of the package and of a host that uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]

HOST = """
from datetime import datetime, timezone

import forescale

scaler = forescale.Autoscaler({"max_replicas": 9})
scaler.warm_up("rps", [datetime.now(timezone.utc), 3.0], [1.0, None, 2])
rps: dict[str, float] = {"rps": 1240.0}
decision = scaler.decide(at=0.0, ready=7, metrics=rps)
decision = scaler.decide(
    at=datetime.now(timezone.utc),
    ready=7,
    requested=None,
    metrics={"rps": {"total": 3.0}, "cpu": [0.7, None, {"value": 0.3, "phase": "unready"}]},
)
replicas: int = decision.replicas
reason: forescale.Reason = decision.steps[0].reason
forecast = scaler.forecast("rps", horizon="30m")
if isinstance(forecast, forescale.Forecast):
    rows: list[list[float]] = forecast.values
twin: forescale.Autoscaler = forescale.Autoscaler.restore(scaler.to_dict())
history = forescale.prometheus.read([b"{}", {"status": "success"}], labels={"job": "shop"}, step="1m")
values: list[float | None] = history.values
scaler.warm_up("rps", *history)
report: forescale.Report = forescale.replay({"max_replicas": 9}, history)
sizer = forescale.Sizer({"cpu": {"target_percentile": 0.95}})
refused: forescale.Refused = sizer.observe(at=0.0, cpu=250, container="web-0")
places: list[int] = [place for place, _ in sizer.observe_many([0.0, 60.0], cpu=[1, None])]
size: forescale.Recommendation = sizer.recommend()
target: int | None = size.cpu.bounds and size.cpu.bounds.target
model = forescale.Forecaster({"kind": "seasonal_naive", "season": "1h"}, step="1m")
model.observe([datetime.now(timezone.utc), 3.0], [1.0, None])
model.observe(60.0, 1)
ahead: forescale.Forecast | forescale.Abstain = model.forecast(horizon="30m", quantiles=[0.5])
panel = forescale.forecast_panel([[1.0, None]], step="1m", horizon=60, settings="naive")
why: dict[int, forescale.Reason] = panel.abstained
scaler.regressor("rps", "campaign", [datetime.now(timezone.utc), 3.0], [1.0, 0])
scaler.regressor("rps", "campaign", 3.0, 1)
net = forescale.ElasticNet.fit([[1.0, None]], step="5m", settings={"horizon": 6})
told: forescale.Forecast | forescale.Abstain = net.forecast([1.0, None], issued_at=3.0)
"""

WRONG = """
import forescale

scaler = forescale.Autoscaler({"max_replicas": 9})
scaler.decide(at="now", ready=7)
scaler.decide(at=0.0, ready=7, metrics={"rps": "many"})
scaler.decide(at=0.0, ready=7, metrics={"cpu": [{"phase": "Ready"}]})
scaler.decide(at=0.0).replicas = 3
forescale.Forecaster("naive", step="1m").forecast(horizon=5.0)
"""


def check(text: str, folder: Path) -> list[str]:
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    file = folder / "host.py"
    file.write_text(text, encoding="utf-8")
    settings = ["--config-file", str(PACKAGE / "pyproject.toml"), "--cache-dir", str(folder)]
    told, trouble, _ = api.run([*settings, "--strict", str(PACKAGE / "forescale"), str(file)])
    assert not trouble
    return [line for line in told.splitlines() if ": error:" in line]


def test_the_package_and_a_host_are_well_typed(tmp_path: Path) -> None:
    assert check(HOST, tmp_path) == []


def test_a_mistaken_host_is_told(tmp_path: Path) -> None:
    lines = {int(error.split(":")[1]) for error in check(WRONG, tmp_path)}
    assert lines == {5, 6, 7, 8, 9}
