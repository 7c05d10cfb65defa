"""Incidents end although the bundle that found them was replaced, and although the input was flushed."""

import random

from tests.serving.conftest import hdfs_lines
from tests.serving.detection.test_worker import begin, send, settle
from tests.serving.senders import wait_for

from logradar.serving.detection.route import RoutePlan
from logradar.serving.detection.worker import ROUTE


def status(store):
    return {one["incident_id"]: one["status"] for one in store.incidents(limit=200).items}


def test_an_incident_that_is_open_at_a_flush_is_over_in_time(world, tmp_path):
    folder, lines, found = world
    log, store, worker = begin(tmp_path, folder / "bundle")
    with log, worker:
        log.control({"do": ROUTE, **RoutePlan("hdfs", folder / "bundle").document()}).result(10)
        send(log, lines, random.Random(1))
        settle(log, worker)
        assert set(status(store)) == set(found.incidents["incident_id"].to_pylist())
        assert "open" in status(store).values()
        send(log, [line.replace("081109 20", "081109 23") for line in hdfs_lines(30, 7)], random.Random(2))
        settle(log, worker)
        assert set(status(store)) == set(found.incidents["incident_id"].to_pylist())
        assert set(status(store).values()) == {"resolved"}
    store.close()


def test_a_bundle_that_was_replaced_leaves_no_incident_open_for_ever(world, tmp_path):
    folder, lines, found = world
    log, store, worker = begin(tmp_path, folder / "bundle")
    plan = RoutePlan("hdfs", folder / "bundle").document()
    with log, worker:
        log.control({"do": ROUTE, **plan}).result(10)
        send(log, lines, random.Random(1))
        wait_for(lambda: status(store))  # it is read, and sessions are open
        log.control({"do": ROUTE, **plan}).result(10)
        later = [line.replace("081109 20", "081109 21") for line in hdfs_lines(30, 7)]
        send(log, later, random.Random(2))
        settle(log, worker)
        assert len(worker.routes) == 1 and len(list(worker.routes)) == 1, "the one that was replaced has gone"
        first = set(found.incidents["incident_id"].to_pylist()) & status(store).keys()
        assert first and {status(store)[one] for one in first} == {"resolved"}
    store.close()
