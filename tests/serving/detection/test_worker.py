"""What the service finds in lines that senders deliver is what `logradar detect` finds in their file."""

import random
import time
from datetime import datetime, timedelta

import pytest
from tests.serving.conftest import hdfs_lines

from logradar.serving.arrivals import Arrival
from logradar.serving.detection.route import RoutePlan
from logradar.serving.detection.worker import CLOSE, ROUTE, Worker, WorkerSettings
from logradar.serving.store.store import Store
from logradar.serving.wal.log import Log


def ids(found):
    return sorted(found.alerts["alert_id"].to_pylist()), sorted(found.incidents["incident_id"].to_pylist())


def stored(store):
    alerts = store.alerts(limit=200).items
    incidents = store.incidents(limit=200).items
    return sorted(one["alert_id"] for one in alerts), sorted(one["incident_id"] for one in incidents)


def settle(log, worker):
    log.control({"do": CLOSE}).result(10)
    end = log.end
    assert worker.wait(end + 1, 30), worker.problem


def send(log, lines, chance, stream="loki:{app=hdfs}"):
    place = 0
    while place < len(lines):
        size = chance.choice([1, 7, 100, 400])
        log.put([Arrival(stream, line) for line in lines[place : place + size]]).result(10)
        place += size


def begin(home, bundle, **settings):
    log, store = Log(home / "wal"), Store.open(f"sqlite:///{home / 'store.db'}")
    return log, store, Worker(log, store, home, settings=WorkerSettings(**settings))


@pytest.mark.parametrize("seed", range(2))
def test_the_service_finds_what_detect_finds(world, tmp_path, seed):
    folder, lines, found = world
    assert len(found.alerts) >= 4
    log, store, worker = begin(tmp_path, folder / "bundle")
    with log, worker:
        log.control({"do": ROUTE, **RoutePlan("hdfs", folder / "bundle").document()}).result(10)
        send(log, lines, random.Random(seed))
        settle(log, worker)
        assert stored(store) == ids(found)
        series = store.services(0)
        assert sum(one["records"] for one in series) == len(lines)
        assert len(worker.lines.search("Exception writing", limit=50)) == 4
    store.close()


def test_a_service_that_was_stopped_goes_on_where_it_was(world, tmp_path):
    folder, lines, found = world
    chance, plan = random.Random(5), RoutePlan("hdfs", folder / "bundle").document()
    place = 0
    for number in range(4):
        log, store, worker = begin(tmp_path, folder / "bundle", every=0.3)
        with log, worker:
            if number == 0:
                log.control({"do": ROUTE, **plan}).result(10)
            upto = len(lines) if number == 3 else place + chance.randrange(len(lines) // 4)
            send(log, lines[place:upto], chance)
            place = upto
            if number == 3:
                settle(log, worker)
                assert stored(store) == ids(found)
                assert sum(one["records"] for one in store.services(0)) == len(lines)
                assert len(worker.lines.search("", limit=10_000)) == len(lines)
            else:
                time.sleep(chance.random())
        store.close()


def test_a_bundle_takes_the_place_of_another_without_loss(world, tmp_path):
    """Sessions that are open at that moment are judged by the bundle that saw their beginning."""
    folder, lines, found = world
    log, store, worker = begin(tmp_path, folder / "bundle")
    plan = RoutePlan("hdfs", folder / "bundle").document()
    with log, worker:
        for start in range(0, len(lines), 300):
            log.control({"do": ROUTE, **plan}).result(10)
            send(log, lines[start : start + 300], random.Random(start))
            assert worker.wait(log.end - 1, 30)
            time.sleep(0.3)
        settle(log, worker)
        alerts, _ = stored(store)
        assert alerts == ids(found)[0]
        assert sum(one["records"] for one in store.services(0)) == len(lines)
    store.close()


def test_each_service_has_its_bundle_and_a_shadow_is_kept_apart(world, tmp_path):
    folder, lines, found = world
    log, store, worker = begin(tmp_path, folder / "bundle")
    with log, worker:
        for plan in (
            RoutePlan("store", folder / "bundle", ("hd*",)),
            RoutePlan("rest", folder / "bundle"),
            RoutePlan("next", folder / "bundle", role="shadow"),
        ):
            log.control({"do": ROUTE, **plan.document()}).result(10)
        place = 0
        while place < len(lines):
            part = lines[place : place + 100]
            log.put([Arrival("loki:a", line, service="hdfs") for line in part]).result(10)
            log.put([Arrival("loki:b", line.replace("blk_2", "blk_3"), service="web") for line in part]).result(10)
            place += 100
        settle(log, worker)
        count = len(found.alerts)
        alerts = store.alerts(limit=200).items
        assert {(one["bundle"], one["service"]) for one in alerts} == {("store", "hdfs"), ("rest", "web")}
        assert len(alerts) == 2 * count
        assert len(store.alerts(limit=200, role="shadow").items) == 2 * count
        assert {one["service"]: one["records"] for one in store.services(0)} == {"hdfs": len(lines), "web": len(lines)}
    store.close()


def test_what_cannot_be_put_to_work_is_said_and_the_rest_goes_on(world, tmp_path, capsys):
    folder, lines, found = world
    log, store, worker = begin(tmp_path, folder / "bundle")
    with log, worker:
        log.control({"do": ROUTE, **RoutePlan("hdfs", folder / "bundle").document()}).result(10)
        log.control({"do": ROUTE, **RoutePlan("bad", folder / "train.log").document()}).result(10)
        send(log, lines, random.Random(1))
        settle(log, worker)
        assert stored(store) == ids(found)
    assert "A change of the bundles was not made" in capsys.readouterr().err
    store.close()


def test_a_clock_that_goes_back_an_hour_loses_nothing_and_raises_no_storm(world, tmp_path):
    """The clock of the sender, in its lines, and that of this machine."""
    folder, lines, found = world
    back = [line.replace("081109 20", "081109 19") for line in hdfs_lines(200, 7)]
    log, store, worker = begin(tmp_path, folder / "bundle")
    steps = iter([0.0] * 10)
    log._now = lambda: time.time() - 3600 * (next(steps, None) is None)
    with log, worker:
        log.control({"do": ROUTE, **RoutePlan("hdfs", folder / "bundle").document()}).result(10)
        send(log, lines, random.Random(1))
        send(log, back, random.Random(2))
        settle(log, worker)
        assert set(ids(found)[0]) <= set(stored(store)[0])
        assert len(stored(store)[0]) <= len(found.alerts) + 3
        assert sum(one["records"] for one in store.services(0)) == len(lines) + len(back)
    store.close()


def test_an_early_alert_that_a_late_line_changes_leaves_no_second_one(world, tmp_path):
    """The first line of each faulty block comes last, long after the alert was raised, and is seven seconds older."""
    folder, lines, found = world
    faulty = {row["session_id"] for row in found.alerts.to_pylist()}
    firsts = {key: next(line for line in lines if key in line) for key in faulty}
    late = [line for line in lines if line not in firsts.values()]
    log, store, worker = begin(tmp_path, folder / "bundle")
    with log, worker:
        log.control({"do": ROUTE, **RoutePlan("hdfs", folder / "bundle").document()}).result(10)
        send(log, late, random.Random(3))
        until = time.monotonic() + 20
        while len(store.alerts(limit=200).items) < len(faulty) and time.monotonic() < until:
            time.sleep(0.1)
        early = {one["alert_id"] for one in store.alerts(limit=200).items}
        assert early, "raised before the blocks are over"
        older = [datetime.strptime(line[:13], "%y%m%d %H%M%S") - timedelta(seconds=7) for line in firsts.values()]
        said = [f"{when:%y%m%d %H%M%S}{line[13:]}" for when, line in zip(older, firsts.values(), strict=True)]
        log.put([Arrival("loki:late", line) for line in said]).result(10)
        settle(log, worker)
        alerts = store.alerts(limit=200).items
        assert all(one["over"] for one in alerts)
        assert sorted(one["session_id"] for one in alerts) == sorted(faulty)
        feed = store.feed(0, 1000)
        gone = {one["subject_id"] for one in feed if one["what"] == "withdrawn"}
        assert gone and gone == early - {one["alert_id"] for one in alerts}
        linked = {
            id_ for one in store.incidents(limit=200).items for id_ in one["alert_ids"] if one["status"] != "merged"
        }
        assert linked <= {one["alert_id"] for one in alerts}
    store.close()
