"""The outbox of receivers in PostgreSQL: the same queries, the same order."""

from __future__ import annotations

import pytest
from tests.serving.notifications.rows import figures, made, row, settings, until, write
from tests.serving.notifications.server import server_of
from tests.serving.store.postgres import reason_not_here, running

from logradar.serving.notifications.delivery import Delivery
from logradar.serving.notifications.plan import Planner
from logradar.serving.store.database import now_us
from logradar.serving.store.store import Store


@pytest.mark.skipif(reason_not_here() is not None, reason=str(reason_not_here()))
def test_delivery_from_postgresql() -> None:
    with running() as address, Store.open(address.format("postgres")) as store:
        with server_of(lambda number, _: (500 if number < 3 else 200, {})) as server:
            chosen = settings({"kind": "webhook", "name": "hook", "url": server.url, "most_per_minute": 2})
            planner, then = Planner(chosen.receivers), now_us() - 3_600_000_000
            write(store, planner, row(1), row(2), row(3), row(4), row(5, severity="low"), now=then)
            write(store, planner, row(4, status="resolved"), row(5, severity="low", status="resolved"), now=then + 1)
            with Delivery(made(chosen), store, poll=0.02) as sending:
                until(lambda: figures(sending.figures())["hook"] == (0, 6, 0))
        assert sorted(one["change"] for one in server.documents[2:]) == ["opened", "opened", "summary"]
        summary = next(one for one in server.documents if one["change"] == "summary")
        assert [one["change"] for one in summary["incidents"]] == ["opened", "opened", "resolved"]
