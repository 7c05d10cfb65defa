"""The folder of a service: one process in it, restored and moved, with files that are damaged or gone."""

import os
import shutil
import time

import pytest
from test_service import deliver, settings_of

from logradar.core.errors import BundleError, ConfigError, StateError
from logradar.serving.plan import service_settings
from logradar.serving.service import Service


def served(settings, lines=()):
    """What a service holds after these lines: alerts, records counted, lines that a search finds."""
    with Service(settings) as service:
        deliver(service, lines)
        service.close_input()
        counted = sum(row["records"] for row in service.store.services(0))
        return len(service.store.alerts(limit=200).items), counted, len(service.worker.lines.search(limit=100_000))


def at_work(settings):
    with Service(settings) as service:
        return {(plan.name, plan.role): plan for plan in service.worker.routes.plans}


def copied(folder, tmp_path):
    return shutil.copytree(folder / "bundle", tmp_path / "bundle")


def test_a_second_service_in_the_same_folder_is_refused(world, tmp_path):
    settings = settings_of(tmp_path / "home", world[0] / "bundle")
    with Service(settings), pytest.raises(StateError, match="Another process works in"):
        Service(settings)
    with Service(settings):
        pass


def test_a_store_that_was_restored_into_a_new_folder_goes_on(world, tmp_path):
    folder, lines, found = world
    old, new = (settings_of(tmp_path / name, folder / "bundle") for name in ("old", "new"))
    assert served(old, lines)[:2] == (len(found.alerts), len(lines))
    new.home.mkdir()
    shutil.copy(old.home / "store.db", new.home / "store.db")
    again = [line.replace("blk_2", "blk_7") for line in lines]
    assert served(new, again)[:2] == (2 * len(found.alerts), 2 * len(lines))


@pytest.mark.parametrize("gone", ["wal", "wal/*.wal"])
def test_a_log_that_is_gone_stops_nothing(gone, world, tmp_path, capsys):
    folder, lines, found = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    served(settings, lines)
    for path in settings.home.glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = [line.replace("blk_2", "blk_7") for line in lines]
    assert served(settings, again)[:2] == (2 * len(found.alerts), 2 * len(lines))
    assert "lacks files" in capsys.readouterr().err


def test_a_folder_that_was_moved_goes_on_with_its_own_bundles(world, tmp_path):
    folder, lines, _ = world
    bundle = copied(folder, tmp_path)
    settings = settings_of(tmp_path / "home", bundle)
    served(settings, lines)
    settings.home.rename(tmp_path / "elsewhere")
    moved = settings_of(tmp_path / "elsewhere", bundle)
    (plan,) = at_work(moved).values()
    assert plan.bundle.parent == moved.home / "bundles"


def test_damage_in_the_middle_of_the_log_is_said(world, tmp_path, capsys):
    folder, lines, _ = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    with Service(settings) as service:
        deliver(service, lines[:400])
        service.worker.wait(service.log.end, 10)
        (file,) = settings.home.glob("wal/*.wal")
        data = bytearray(file.read_bytes())
        data[len(data) // 3] ^= 1
        file.write_bytes(data)
        service.log.segments.read(0, 1 << 20)
    assert "damaged bytes" in capsys.readouterr().err


def test_lines_that_are_damaged_are_passed_over(world, tmp_path, capsys):
    folder, lines, _ = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    assert served(settings, lines[:200])[2] == 200
    (part,) = settings.home.glob("lines/*.parquet")
    part.write_bytes(b"no Parquet" * 100)
    with Service(settings) as service:
        deliver(service, lines[200:300])
        service.close_input()
        assert len(service.worker.lines.search(limit=1_000)) == 100
        assert service.worker.lines.export(tmp_path / "lines.jsonl") == 100
        assert service.worker.lines.forget(0) == 0
        os.utime(part, (1, 1))
        assert service.worker.lines.forget(10_000_000) == 1
    assert capsys.readouterr().err.count("is damaged") == 1


def test_copies_of_bundles_that_nothing_needs_are_forgotten(world, tmp_path):
    folder, lines, _ = world
    settings = settings_of(tmp_path / "home", folder / "bundle")
    with Service(settings) as service:
        deliver(service, lines)
        service.close_input()
        (alert, *_) = service.store.alerts(limit=200).items
        service.feedback([alert["alert_id"]], "anomaly", "me")
        (plan,) = service.worker.routes.plans
        service.close_input()  # the bundle before has no open sessions any more
        assert len(list(settings.home.glob("bundles/*"))) == 2
        assert service.forget_old()["bundles"] == 0, "the log may still name it"
        used = {plan.bundle}
        assert service.shelf.forget(used, before=time.time() + 60) == 1
        assert list(settings.home.glob("bundles/*")) == [plan.bundle]


def test_settings_are_heeded_where_they_changed_and_what_people_put_to_work_stays(world, tmp_path):
    folder, _, _ = world
    bundle, other = copied(folder, tmp_path), shutil.copytree(folder / "bundle", tmp_path / "other")
    home = tmp_path / "home"
    first = settings_of(home, bundle)
    assert at_work(first)["b", "active"].services == ()
    named = settings_of(home, bundle)
    named = named.model_copy(update={"bundles": (named.bundles[0].model_copy(update={"services": ("pay",)}),)})
    assert at_work(named)["b", "active"].services == ("pay",), "the services in the settings changed"
    with Service(named) as service:
        service.activate(other, "b", services=("cart",), by="somebody")
    assert at_work(named)["b", "active"].services == ("cart",), "a person changed it since"
    with Service(named) as service:
        service.activate(other, "c", services=("queue",), by="somebody")
    renamed = named.model_copy(update={"bundles": (named.bundles[0].model_copy(update={"name": "d"}),)})
    assert set(at_work(renamed)) == {("c", "active"), ("d", "active")}, "b is not in the settings any more"


def test_two_bundles_for_the_rest_are_refused(world, tmp_path):
    bundle, other = str(world[0] / "bundle"), str(copied(world[0], tmp_path))
    given = {"home": tmp_path / "home"}
    with pytest.raises(ConfigError, match="would both judge"):
        service_settings(None, [bundle, other], None, given)
    assert len(service_settings(None, [bundle, f"pay={other}"], None, given).bundles) == 2


def test_a_folder_that_is_no_bundle_is_not_copied(world, tmp_path):
    settings = settings_of(tmp_path / "home", world[0] / "bundle")
    large = tmp_path / "large"
    large.mkdir()
    os.mkfifo(large / "pipe")  # whoever copies it waits for ever
    with Service(settings) as service:
        with pytest.raises(BundleError, match=r"large' is not a bundle"):
            service.activate(large, "large")
        assert len(list(settings.home.glob("bundles/*"))) == 1


def test_a_search_sees_no_line_twice_while_a_part_is_written(world, tmp_path):
    folder, lines, _ = world
    with Service(settings_of(tmp_path / "home", folder / "bundle")) as service:
        deliver(service, lines[:200])
        service.close_input()
        kept = service.worker.lines
        parts = kept._newest_first()
        seen = [next(parts)]
        kept.write()
        assert sum(len(part.collect()) for _, part in [*seen, *parts]) == 200
