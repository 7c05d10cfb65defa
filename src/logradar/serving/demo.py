"""Demo: a service that has learnt a made-up shop, and that shop, which logs to it and fails now and then."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from logradar.core.progress import say
from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.serving.serve import serve
from logradar.serving.settings import RouteSettings, ServiceSettings
from logradar.simulation.simulate import simulate

_DAYS: Final = 0.06  # of the shop, which are learnt: at the load of a working day, as it will be
_LINES_PER_DAY: Final = 5_000_000
_START: Final = datetime(2026, 3, 2, 10)
_FAULTS: Final = ("disk_full@45+40", "pool_exhausted@200+60", "retry_storm@420+60", "bad_deploy@700+120")


def demo_bundle(folder: Path) -> Path:
    """A bundle that has learnt the shop without faults; it is trained once."""
    bundle = folder / "bundle"
    if not bundle.is_dir():
        say("A made-up shop of three services runs for some hours, without a fault, and its logs are learnt.")
        simulate(folder / "learnt", days=_DAYS, faults="none", seed=1, lines_per_day=_LINES_PER_DAY, start=_START)
        train(str(folder / "learnt"), bundle, run_settings(None, ["input.use_labels=false", "split.trim=0"]))
    return bundle


def demo(settings: ServiceSettings, *, ready: Callable[[dict[str, str]], object] = lambda addresses: None) -> None:
    """Run the service with the shop beside it, until SIGINT or SIGTERM; ``ready`` gets the addresses."""
    settings.home.mkdir(parents=True, exist_ok=True)
    bundle = demo_bundle(settings.home)
    whole = settings.model_copy(update={"bundles": (*settings.bundles, RouteSettings(name="shop", bundle=bundle))})
    shop: list[subprocess.Popen[bytes]] = []

    def begin(addresses: dict[str, str]) -> None:
        ready(addresses)
        say("The shop is open. Its disk fills up in 45 seconds, and other faults follow within a quarter of an hour.")
        faults = [word for fault in _FAULTS for word in ("--fault", fault)]
        command = [sys.executable, "-m", "logradar", "simulate", "--live", "--to", addresses["http"], *faults]
        shop.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        threading.Thread(target=shop[0].wait, daemon=True).start()

    try:
        serve(whole, ready=begin)
    finally:
        for process in shop:
            process.terminate()
            process.wait()
