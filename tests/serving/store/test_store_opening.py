"""Opening and failing: damaged, newer, unreachable and full databases are sentences with a way out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.serving.store.documents import alert

from logradar.serving.store.errors import DAMAGED, FULL, NEWER, UNREACHABLE, StoreError
from logradar.serving.store.store import Store


def test_a_store_is_durable_and_readers_are_free(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store, store.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum", "busy_timeout")
        }
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2, "busy_timeout": 10_000}
    assert found == expected


def test_a_new_file_is_for_one_user(tmp_path):
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}"):
        assert {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {
            "store.db": 0o600,
            "store.db-wal": 0o600,
            "store.db-shm": 0o600,
        }


def test_a_store_keeps_what_it_has(url):
    with Store.open(url) as store, store.writing() as w:
        w.alerts([alert(1)], "active", "shop")
        w.meta("position", 3)
    with Store.open(url) as store:
        assert store.meta("position") == 3
        assert len(store.alerts().items) == 1


@pytest.mark.parametrize("url", ["mysql://host/x", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_other_addresses(url):
    with pytest.raises(StoreError, match="sqlite:///PATH"):
        Store.open(url)


def test_a_newer_schema(url):
    Store.open(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        before = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(StoreError, match=r"newer version of LogRadar .*install that version") as caught:
            Store.open(url)
        assert caught.value.reason == NEWER
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        engine.dispose()


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"these are logs, not tables\n" * 1_000)
    with pytest.raises(StoreError, match=r"damaged .*backup") as caught:
        Store.open(f"sqlite:///{path}")
    assert caught.value.reason == DAMAGED
    assert path.read_bytes().startswith(b"these are logs")


def test_a_damaged_page(tmp_path):
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        with store.writing() as w:
            w.alerts([alert(n) for n in range(500)], "active", "shop")
        with store.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 3))
    with pytest.raises(StoreError) as caught, Store.open(f"sqlite:///{path}") as store:
        cursor = None
        while True:
            page = store.alerts(limit=50, cursor=cursor, order="severity")
            store.edges(0)
            store.feed(limit=1_000)
            if (cursor := page.next_cursor) is None:
                pytest.fail("nothing was damaged")
    assert caught.value.reason == DAMAGED


def test_a_place_where_nothing_can_be_written(tmp_path):
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store.open(f"sqlite:///{tmp_path / 'absent' / 'store.db'}")
    assert caught.value.reason == UNREACHABLE


def test_no_postgresql_and_no_password_in_sentences(tmp_path):
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store.open(f"postgresql://me:secret@/store?host={tmp_path}")
    assert caught.value.reason == UNREACHABLE
    assert "secret" not in str(caught.value)


@pytest.mark.xdist_group("postgresql")
def test_connections_that_postgresql_ended_are_made_again(kept_database):
    with Store.open(kept_database) as store:
        engine = sa.create_engine(kept_database)
        with engine.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(sa.text(f"{others} AND datname = current_database()"))
        engine.dispose()
        assert store.meta("nothing") is None


@pytest.mark.xdist_group("postgresql")
def test_an_unknown_database_of_postgresql(server):
    with pytest.raises(StoreError, match="cannot be reached"):
        Store.open(server.format("absent"))


FILL = """
import resource, sys
from logradar.serving.store.errors import StoreError
from logradar.serving.store.store import Store
from tests.serving.store.documents import alert
store = Store.open(sys.argv[1])
with store.writing() as w:
    w.alerts([alert(1)], "active", "shop")
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
written = 1
try:
    for step in range(100):
        with store.writing() as w:
            w.alerts([alert(1_000 * step + n + 10) for n in range(500)], "active", "shop")
        written += 500
except StoreError as error:
    print(error.reason, error)
assert len(store.alerts(limit=1_000).items) == min(written, 1_000), "what is stored can be read"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with store.writing() as w:
    w.alerts([alert(0)], "active", "shop")
assert store.alert(alert(0)["alert_id"]) is not None
"""


def test_a_full_disk_is_said_and_gets_over(tmp_path):
    """A limit of the size of files stands for the disk."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", FILL, f"sqlite:///{tmp_path / 'store.db'}"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(FULL), done.stdout
    assert "free some space" in done.stdout
