"""One writer and many readers at once: nobody waits in vain, and nobody sees half of a transaction."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.serving.store.documents import MINUTE, START, alert, incident

from logradar.serving.store.errors import LOCKED, StoreError
from logradar.serving.store.store import Store

STEPS = 40


def test_a_writer_and_four_readers(store):
    over = threading.Event()

    def write() -> None:
        try:
            for step in range(STEPS):
                with store.writing() as w:
                    w.alerts([alert(4 * step + n) for n in range(4)], "active", "shop")
                    w.incidents([incident(1, 4 * (step + 1))], "active", "shop")
                    w.counts([(START, "cart", "all", 4)])
                    w.meta("position", step + 1)
        finally:
            over.set()

    def read() -> int:
        rounds = 0
        while not over.is_set() or rounds < 3:
            with store.reading() as connection:
                first = connection.exec_driver_sql("SELECT count(*) FROM alerts").scalar_one()
                counted = connection.exec_driver_sql(
                    "SELECT coalesce(sum(records), 0) FROM service_counts"
                ).scalar_one()
                again = connection.exec_driver_sql("SELECT count(*) FROM alerts").scalar_one()
            assert first == again == counted, "a reader sees one state"
            assert first % 4 == 0
            items = store.incidents().items
            assert not items or items[0]["alerts"] % 4 == 0
            store.alerts(limit=5)
            store.services(START)
            store.counts(START, START + MINUTE, MINUTE)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(6) as pool:
        writer = pool.submit(write)
        readers = [pool.submit(read) for _ in range(4)]
        person = pool.submit(lambda: [store.add_key(f"key {n}", ["read"], f"hash {n}") for n in range(STEPS)])
        writer.result()
        person.result()
        assert all(reader.result() >= 3 for reader in readers)
    assert store.meta("position") == STEPS
    assert len(store.keys()) == STEPS
    assert len(store.alerts(limit=1_000).items) == 4 * STEPS
    ids = [one["id"] for one in store.feed(limit=1_000)]
    assert ids == sorted(set(ids))


def test_two_nodes_write_to_one_database(url, clock):
    with Store.open(url, clock=clock) as one, Store.open(url, clock=clock) as other:

        def write(store: Store, start: int) -> None:
            for number in range(start, start + 20):
                with store.writing() as w:
                    w.alerts([alert(number), alert(1_000)], "active", "shop")
                    w.counts([(START, "cart", "all", 1)])

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(write, one, 0), pool.submit(write, other, 20)]:
                done.result()
        assert len(one.alerts(limit=100).items) == 41
        assert one.counts(START, START + MINUTE, MINUTE).services["cart"]["all"] == [40]
        assert len(other.feed(limit=100)) == 41


def test_a_transaction_within_a_transaction_does_not_wait_for_itself(store):
    with store.writing() as w:
        with pytest.raises(RuntimeError, match="open already"):
            store.add_key("ci", [], "hash")
        w.meta("position", 1)
    assert store.meta("position") == 1
    store.add_key("ci", [], "hash")


def test_readers_do_not_wait_for_an_open_transaction(store):
    with store.writing() as w:
        w.alerts([alert(1)], "active", "shop")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: store.alerts().items).result(timeout=60) == []
    assert len(store.alerts().items) == 1


@pytest.mark.xdist_group("postgresql")
def test_a_node_that_writes_too_long_is_not_waited_for_forever(kept_database, monkeypatch):
    monkeypatch.setattr("logradar.serving.store.database._WAIT", 50)
    with Store.open(kept_database) as one, Store.open(kept_database) as other, one.writing():
        with pytest.raises(StoreError, match="stop the other service") as caught, other.writing():
            pass
        assert caught.value.reason == LOCKED


def test_a_file_that_another_process_writes_to(tmp_path, monkeypatch):
    monkeypatch.setattr("logradar.serving.store.database._PRAGMAS", ("PRAGMA busy_timeout=50",))
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="stop the other service") as caught, store.writing() as w:
            w.meta("position", 1)
        assert caught.value.reason == LOCKED
        other.execute("ROLLBACK")
        other.close()
        with store.writing() as w:
            w.meta("position", 1)
        assert store.meta("position") == 1
