"""The simulated day without faults that more than one file of tests looks at."""

from __future__ import annotations

import pytest
from shop_days import Day, Seen

from logradar.simulation.simulate import simulate


@pytest.fixture(scope="session")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("normal")
    simulate(folder, lines_per_day=280_000, faults="none", seed=1)
    return Day(folder)


@pytest.fixture(scope="session")
def seen(normal: Day) -> Seen:
    return Seen(normal.sessions.values())
