"""The alerts and incidents of a file are those of its lines sent by any protocol: equal ids."""

import pytest
from tests.serving.senders import PROTOCOLS, rounds, send

from logradar.core.config import validated
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings
from logradar.simulation.simulate import simulate


def ids(found):
    return set(found.alerts["alert_id"].to_pylist()), set(found.incidents["incident_id"].to_pylist())


def every(read):
    found, cursor = [], None
    while True:
        page = read(limit=200, cursor=cursor)
        found += page.items
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


def assert_same(bundle, files, found, protocol, tmp_path, *, seed=0, batches_of=rounds):
    settings = validated(ServiceSettings, {"home": tmp_path / "home", "bundles": [{"name": "b", "bundle": bundle}]})
    (tmp_path / "logs").mkdir()
    with Service(settings) as service:
        send(service, protocol, files, seed, tmp_path / "logs", batches_of)
        service.close_input()
        alerts = {one["alert_id"] for one in every(service.store.alerts)}
        incidents = {one["incident_id"] for one in every(service.store.incidents)}
        records = sum(one["records"] for one in service.store.services(0))
    assert (alerts, incidents) == ids(found)
    assert records == found.figures["records"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lines_of_a_cluster(world, protocol, tmp_path):
    folder, lines, found = world
    assert len(found.alerts) >= 4
    assert_same(folder / "bundle", {"test": lines}, found, protocol, tmp_path, seed=PROTOCOLS.index(protocol))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A day of three services without faults to learn, and some hours with faults to detect."""
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder / "train", days=0.1, seed=1, faults="none")
    simulate(folder / "today", days=0.1, seed=2)
    train(str(folder / "train"), folder / "bundle", run_settings(None, []))
    files = {path.stem: path.read_text().splitlines() for path in sorted((folder / "today").glob("*.log"))}
    only_logs = folder / "logs"
    only_logs.mkdir()
    for name, lines in files.items():
        (only_logs / f"{name}.log").write_text("".join(f"{line}\n" for line in lines))
    return folder / "bundle", files, detect(folder / "bundle", str(only_logs))


NAMING = [name for name in PROTOCOLS if name not in ("loki", "raw")]  # protocols that can name the service


@pytest.mark.parametrize("protocol", ["loki", *(pytest.param(name, marks=pytest.mark.slow) for name in NAMING)])
def test_three_services_of_a_shop(shop, protocol, tmp_path):
    bundle, files, found = shop
    assert len(found.incidents) >= 2
    assert_same(bundle, files, found, protocol, tmp_path)
