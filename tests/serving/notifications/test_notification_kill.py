"""The process that delivers is killed while it delivers: every notification arrives, and again under its id."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.serving.notifications.rows import row, settings, write
from tests.serving.notifications.server import server_of

from logradar.serving.notifications.plan import Planner
from logradar.serving.store.database import now_us
from logradar.serving.store.store import Store

DELIVERER = Path(__file__).with_name("deliverer.py")
KILLED = {2: "before it answers", 6: "while it reads", 14: "at the summary"}  # at which request


def test_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed after the receiver has taken a document and before the outbox says so: the worst time."""
    where = f"sqlite:///{tmp_path}/store.db"
    running: list[subprocess.Popen[bytes]] = []

    def answer(number: int, _: bytes) -> tuple[int, dict[str, str]]:
        if number in KILLED:
            running[-1].kill()
            running[-1].wait()
        return 200, {}

    with server_of(answer) as server, Store.open(where) as store:
        chosen = settings({"kind": "webhook", "name": "hook", "url": server.url, "most_per_minute": 10})
        planner, then = Planner(chosen.receivers), now_us() - 3_600_000_000
        planned = write(store, planner, *(row(number) for number in range(1, 31)), now=then)
        planned += write(store, planner, row(3, 1, severity="critical"), now=then + 60_000_000)
        starts = 0
        while store.outbox_figures()[0].waiting:
            running.append(subprocess.Popen([sys.executable, str(DELIVERER), where, server.url]))
            code, starts = running[-1].wait(), starts + 1
            assert code == (0 if starts > len(KILLED) else -9)
        (figures,) = store.outbox_figures()
        assert (figures.waiting, figures.delivered, figures.given_up) == (0, len(planned), 0)
    documents: dict[str, set[str]] = {}
    for headers, body in server.requests:
        document = json.loads(body)
        assert document["id"] == headers["webhook-id"]
        about = [(one["change"], one["incident_id"]) for one in document["incidents"]]
        documents.setdefault(headers["webhook-id"], set()).add(json.dumps(about))
    assert all(len(each) == 1 for each in documents.values()), "what comes again under an id is the same"
    assert len(documents) == 10 + 1 + 1  # one by one, the summary, and what came a minute later
    assert len(server.requests) == len(documents) + len(KILLED)
    came = sorted(tuple(one) for each in documents.values() for one in json.loads(next(iter(each))))
    assert came == sorted(
        [("opened", row(n)["incident_id"]) for n in range(1, 31)] + [("raised", row(3)["incident_id"])]
    )
