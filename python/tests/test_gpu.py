"""The graphics card: the same forecasts, or a clear error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from forescale import ConfigError, forecast_panel, gpu_info, tune

BATCH = {"kind": "batch", "seasons": ["1h"]}
ASK: dict[str, Any] = {"step": "1m", "horizon": 12, "quantiles": [0.5, 0.95], "settings": BATCH}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an adapter, if only of a software driver."""
    if not os.environ.get("FORESCALE_GPU"):
        monkeypatch.setenv("FORESCALE_GPU", "software")
    try:
        return gpu_info().adapter
    except ConfigError as error:
        if os.environ.get("FORESCALE_REQUIRE_GPU") == "1":
            raise
        pytest.skip(f"no adapter: {error}")


def loads(n_series: int = 40, n_samples: int = 400) -> np.ndarray[Any, np.dtype[np.float64]]:
    noise = np.random.default_rng(5).random((n_series, n_samples))
    course = 1 + 0.5 * np.sin(2 * np.pi * np.arange(n_samples) / 60)
    return np.asarray(100.0 * np.arange(1, n_series + 1)[:, None] * (course + 0.3 * noise))


def close(card: Any, cpu: Any) -> bool:
    return bool(np.all(np.abs(card - cpu) <= 1e-4 * np.abs(cpu)))


def test_the_card_forecasts_as_the_processor_does(card: str) -> None:
    values = loads()
    values[3] = np.nan
    on_card = forecast_panel(values, device="gpu", **ASK)
    on_cpu = forecast_panel(values, device="cpu", **ASK)
    assert (on_card.device, on_cpu.device) == (card, "cpu")
    assert list(on_card.abstained) == list(on_cpu.abstained) == [3]
    known = np.arange(40) != 3
    assert close(on_card.values[known], on_cpu.values[known])


def test_a_small_panel_stays_on_the_processor(card: str) -> None:
    assert forecast_panel(loads(), device="auto", **ASK).device == "cpu"


def test_two_threads_at_once_get_their_own_answers(card: str) -> None:
    values = [loads(), 3.0 * loads()]
    answers: dict[int, Any] = {}

    def ask(which: int) -> None:
        answers[which] = [forecast_panel(values[which], device="gpu", **ASK) for _ in range(3)]

    threads = [threading.Thread(target=ask, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for which, told in answers.items():
        want = forecast_panel(values[which], device="cpu", **ASK).values
        assert all(close(one.values, want) for one in told)
    assert len(answers) == 2


CONFIG: dict[str, Any] = {
    "max_replicas": 60,
    "metrics": {"cpu": {"kind": "utilization"}},
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}],
}


def waves(start: int = 1_700_000_000) -> tuple[list[float], list[float]]:
    steps = np.arange(4 * 288)
    return list(start + 300.0 * steps), list(1000 + 700 * np.sin(2 * np.pi * steps / 288))


def test_settings_found_on_the_card_are_confirmed_by_the_processor(card: str) -> None:
    tuning = tune(CONFIG, waves(), {"interval": "1m"}, settings=16, device="gpu")
    assert (tuning.device, tuning.n_on_device) == (card, tuning.to_dict()["n_tried"])
    assert tuning.is_change and tuning.reason["code"] == "proved_better"
    space = [{"path": path, "values": [value]} for path, value in tuning.recommended.changes.items()]
    alone = tune(CONFIG, waves(), {"interval": "1m"}, settings=1, space=space)
    assert (alone.device, alone.n_on_device) == ("cpu", 0)
    assert alone.recommended.selected == tuning.recommended.selected


def test_a_search_without_a_card_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESCALE_GPU", "off")
    with pytest.raises(ConfigError, match="no adapter was found") as error:
        tune(CONFIG, waves(), {"interval": "1m"}, settings=4, device="gpu")
    assert error.value.path == "device"
    with pytest.raises(ConfigError, match="device"):
        tune(CONFIG, waves(), {"interval": "1m"}, settings=4, device="tpu")


def test_without_a_card_it_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESCALE_GPU", "off")
    for ask in (gpu_info, lambda: forecast_panel(loads(), device="gpu", **ASK)):
        with pytest.raises(ConfigError, match="no adapter was found") as error:
            ask()
        assert error.value.path == "device"
    assert forecast_panel(loads(), device="auto", **ASK).device == "cpu"


def test_without_a_driver_everything_else_works() -> None:
    code = """
import forescale
panel = forescale.forecast_panel([[9.0] * 40], step="1m", horizon=2, settings="batch")
assert panel.values == [[[9.0, 9.0], [9.0, 9.0]]] and panel.device == "cpu", panel
try:
    forescale.gpu_info()
except forescale.ConfigError as error:
    assert "no adapter was found" in str(error), error
else:
    raise SystemExit("there is none")
"""
    # As on a host whose Vulkan loader finds no driver.
    env = os.environ | {"VK_DRIVER_FILES": "/nowhere", "VK_ICD_FILENAMES": "/nowhere", "FORESCALE_GPU": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


def test_another_forecaster_is_not_for_the_card() -> None:
    with pytest.raises(ConfigError, match="takes the forecaster `batch`"):
        forecast_panel(loads(), device="gpu", **{**ASK, "settings": "naive"})


@pytest.mark.skipif(os.name != "posix", reason="no such signal here")
def test_ctrl_c_ends_a_long_panel(card: str) -> None:
    # Heard between two chunks, which are short ones here: a software driver takes its time.
    code = """
import sys
import forescale
series = [float(sample % 60) for sample in range(200)]
print("begins", flush=True)
try:
    while True:
        forescale.forecast_panel([series] * 20_000, step="1m", horizon=2, settings="batch", device="gpu")
except KeyboardInterrupt:
    sys.exit(7)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout and child.stdout.readline() == b"begins\n"
            time.sleep(3.0)
            child.send_signal(signal.SIGINT)
            assert child.wait(timeout=120) == 7
        finally:
            child.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_is_told_so_and_works_on_the_processor(card: str) -> None:
    code = """
import os, sys
import forescale
ask = dict(step="1m", horizon=2, settings="batch")
values = [[float(sample % 7) for sample in range(200)]] * 40
want = forescale.forecast_panel(values, device="gpu", **ask)
assert want.device != "cpu"
want = forescale.forecast_panel(values, device="cpu", **ask)
child = os.fork()
if child == 0:
    try:
        try:
            forescale.forecast_panel(values, device="gpu", **ask)
        except forescale.ConfigError as error:
            assert "forked" in str(error), error
        else:
            os._exit(3)
        assert forescale.forecast_panel(values, device="cpu", **ask).values == want.values
    except BaseException as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(4)
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.flush()
os._exit(code)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    subprocess.run(command, check=True, timeout=120)
