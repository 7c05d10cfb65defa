"""A real Alertmanager: incidents appear, do not flap while they are sent again, change their band, and are over."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.serving.notifications.manager import Manager, running_manager
from tests.serving.notifications.rows import BUNDLE, hostile_row, made, row, settings, until, write

from logradar.serving.notifications.delivery import Delivery
from logradar.serving.notifications.plan import Planner
from logradar.serving.store.store import Store


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with running_manager(tmp_path_factory.mktemp("alertmanager")) as found:
        yield found


@pytest.fixture
def sending(manager: Manager, store: Store) -> Iterator[tuple[Delivery, Planner]]:
    """A delivery that sends open incidents again five times a second; they last an hour without that."""
    one = {"kind": "alertmanager", "name": "am", "url": manager.url, "resend_seconds": 0.2, "expires_seconds": 3600}
    chosen = settings(one)
    with Delivery(made(chosen), store, poll=0.02) as delivery:
        yield delivery, Planner(chosen.receivers)
    for each in range(1, 5):  # leave nothing for the next test
        write(store, Planner(chosen.receivers), row(each, 99, status="resolved"))
    with Delivery(made(chosen), store, poll=0.02):
        until(lambda: not manager.alerts())


def test_an_incident_appears_stays_and_is_over(
    manager: Manager, store: Store, sending: tuple[Delivery, Planner]
) -> None:
    delivery, planner = sending
    write(store, planner, row(1), row(2, severity="low"))
    delivery.wake()
    until(lambda: manager.alerts())
    (first,) = manager.alerts()
    assert first["labels"] == {
        "alertname": "LogRadarIncident",
        "incident_id": row(1)["incident_id"],
        "service": "cart",
        "severity": "high",
        "kind": row(1)["kind"],
        "bundle": BUNDLE,
    }
    assert first["annotations"]["summary"] == row(1)["title"]
    assert first["annotations"]["url"].endswith(f"/incidents/{row(1)['incident_id']}")
    seen = {first["endsAt"]}
    while len(seen) < 4:  # it was sent again three times, and was one and the same alert all the time
        (now,) = manager.alerts()
        assert (now["fingerprint"], now["startsAt"], now["status"]["state"]) == (
            first["fingerprint"],
            first["startsAt"],
            "active",
        )
        assert now["endsAt"] >= max(seen)
        seen.add(now["endsAt"])
        time.sleep(0.02)
    write(store, planner, row(1, status="resolved"))
    delivery.wake()
    until(lambda: not manager.alerts())
    before = delivery.figures()[0]["resent"]
    write(store, planner, row(3))  # what is over does not come back with what is sent again
    until(lambda: delivery.figures()[0]["resent"] >= before + 3)
    assert [one["labels"]["incident_id"][-1] for one in manager.alerts()] == ["3"]


def test_a_band_that_rises_is_one_alert_and_a_merged_incident_none(
    manager: Manager, store: Store, sending: tuple[Delivery, Planner]
) -> None:
    delivery, planner = sending
    write(store, planner, row(1), row(2))
    delivery.wake()
    until(lambda: len(manager.alerts()) == 2)
    write(store, planner, row(1, 1, severity="critical"))
    delivery.wake()
    until(lambda: [one["labels"]["severity"] for one in manager.alerts()] == ["critical", "high"])
    merged = row(1, 1, severity="critical") | {"incident_id": row(2)["incident_id"]}
    write(store, planner, merged | {"status": "merged", "merged_into": row(1)["incident_id"]})
    delivery.wake()
    until(lambda: [one["labels"]["incident_id"] for one in manager.alerts()] == [row(1)["incident_id"]])


def test_hostile_text_is_taken(manager: Manager, store: Store, sending: tuple[Delivery, Planner]) -> None:
    delivery, planner = sending
    write(store, planner, hostile_row(1))
    delivery.wake()
    until(lambda: delivery.figures()[0]["delivered"] == 1)
    (one,) = manager.alerts()
    assert "⟨ESC⟩" in one["annotations"]["description"] and delivery.figures()[0]["given_up"] == 0
    write(store, planner, hostile_row(1, status="resolved"))
    delivery.wake()
    until(lambda: not manager.alerts())


def test_a_test_appears(manager: Manager, sending: tuple[Delivery, Planner]) -> None:
    accepted, said = sending[0].test_message("am")
    assert accepted, said
    (one,) = manager.alerts(tests=True)
    assert one["labels"]["service"] == "logradar" and "nothing is wrong" in one["annotations"]["summary"]
