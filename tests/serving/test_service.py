"""The parts of the service together: bundles that are put to work, what people say, what a restart takes up."""

import shutil
import time

import pytest

from logradar.core.config import validated
from logradar.core.errors import BundleError, ConfigError
from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.serving.arrivals import Arrival
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings


def settings_of(home, bundle, **more):
    return validated(ServiceSettings, {"home": home, "bundles": [{"name": "b", "bundle": bundle}], **more})


def deliver(service, lines):
    for start in range(0, len(lines), 200):
        service.log.put([Arrival("loki:a", line) for line in lines[start : start + 200]]).result(10)


def test_a_false_alarm_is_silent_from_then_on_and_after_a_restart(world, tmp_path):
    folder, lines, found = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    with Service(settings) as service:
        deliver(service, lines)
        service.close_input()
        alerts = service.store.alerts(limit=200).items
        assert len(alerts) == len(found.alerts)
        service.feedback([alerts[0]["alert_id"]], "false_alarm", "me")
    again = [line.replace("blk_2", "blk_7") for line in lines]
    with Service(settings) as service:
        deliver(service, again)
        service.close_input()
        new = [one for one in service.store.alerts(limit=200).items if "blk_7" in one["session_id"]]
        assert len(new) < len(found.alerts)
        (plan,) = service.worker.routes.plans
        assert plan.bundle.parent == tmp_path / "home" / "bundles"


def test_a_bundle_that_was_trained_anew_is_taken_at_the_next_start(world, tmp_path):
    folder, _, _ = world
    bundle = tmp_path / "bundle"
    shutil.copytree(folder / "bundle", bundle)
    settings = settings_of(tmp_path / "home", bundle)
    with Service(settings) as service:
        (first,) = service.worker.routes.plans
    with Service(settings) as service:
        assert service.worker.routes.plans == [first], "nothing has changed"
    shutil.rmtree(bundle)
    train(str(folder / "test.log"), bundle, run_settings(None, [r"input.session_key=(blk_-?\d+)"]))
    with Service(settings) as service:
        (second,) = service.worker.routes.plans
        assert second.bundle != first.bundle


def test_what_cannot_be_put_to_work_leaves_no_thread_behind(world, tmp_path):
    folder, _, _ = world
    service = Service(settings_of(tmp_path / "home", folder))
    with pytest.raises((BundleError, ConfigError)), service:
        pass
    assert not service.worker._thread.is_alive()
    with Service(settings_of(tmp_path / "home", folder / "bundle")) as service:
        assert len(service.worker.routes.plans) == 1


def test_a_service_without_a_bundle_collects_and_learns(world, tmp_path):
    folder, _, _ = world
    lines = (folder / "train.log").read_text().splitlines()
    settings = validated(ServiceSettings, {"home": tmp_path / "home", "learn": "3s"})
    with Service(settings) as service:
        deliver(service, lines)
        assert "Lines are collected" in service.learning.sentence()
        for _ in range(400):
            if service.worker.routes.plans:
                break
            time.sleep(0.1)
        (plan,) = service.worker.routes.plans
        assert plan.name == "learnt"
        for _ in range(100):  # the bundle works before the job is noted as done
            (job,) = service.store.jobs().items
            if job["state"] == "done":
                break
            time.sleep(0.1)
        assert job["state"] == "done"
        deliver(service, [line.replace("terminating", "exploding") for line in lines[:60]])
        service.close_input()
        assert service.store.alerts().items


def test_two_bundles_never_judge_the_same_services(world, tmp_path):
    folder, _lines, _found = world
    with Service(settings_of(tmp_path / "home", folder / "bundle")) as service:
        with pytest.raises(ConfigError, match="judges the services that no bundle names already"):
            service.activate(folder / "bundle", "second")
        service.activate(folder / "bundle", "second", role="shadow")
        service.activate(folder / "bundle", "pay", services=["pay"])
        deliver(service, (folder / "train.log").read_text().splitlines())
        service.close_input()
        service.learning.ask("me")
        for _ in range(600):
            if service.store.jobs().items[0]["state"] in ("done", "failed"):
                break
            time.sleep(0.1)
        (job,) = service.store.jobs().items
        assert (job["state"], job["result"]) == ("done", {"bundle": "b"}), job["problem"]
        assert sorted((plan.name, plan.role) for plan in service.worker.routes.plans) == [
            ("b", "active"),
            ("pay", "active"),
            ("second", "shadow"),
        ]


def test_lines_are_found_by_the_key_of_their_session(world, tmp_path):
    folder, lines, found = world
    with Service(settings_of(tmp_path / "home", folder / "bundle")) as service:
        deliver(service, lines)
        service.close_input()
        key = found.alerts["session_id"][0].as_py()
        assert len(service.worker.lines.search(trace=key)) == sum(key in line for line in lines)


def test_a_home_without_its_snapshots_keeps_its_lines(world, tmp_path):
    folder, lines, _ = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    with Service(settings) as service:
        service.log.segments._size = 1000
        deliver(service, lines)
        service.close_input()
        for _ in range(3):  # segments that no snapshot needs are deleted
            service.worker._save()
            deliver(service, lines[:5])
            service.close_input()
        kept = len(service.worker.lines.search(limit=10_000))
    shutil.rmtree(tmp_path / "home" / "state")
    with Service(settings) as service:
        assert len(service.worker.lines.search(limit=10_000)) >= kept
