"""More arrives than detection reads: senders are told, nothing is lost, and all that was taken is judged."""

import http.client
import random
import sqlite3
import threading

from tests.serving.senders import HTTP, document, listening, wait_for

from logradar.core.config import validated
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings

SENDERS, PART = 4, 100


class Sender(threading.Thread):
    """Sends lines that nothing can compress, as fast as it can, and counts what was acknowledged and refused."""

    def __init__(self, port, number, stop):
        super().__init__(daemon=True)
        self.port, self.number, self.stop = port, number, stop
        self.acknowledged = self.refused = self.sent = 0
        self.again = set()  # seconds after which to send again
        self.fault = None

    def run(self):
        chance, connection = random.Random(self.number), http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while not self.stop.is_set():
                protocol = HTTP[self.sent // PART % len(HTTP)]
                lines = [f"2026-03-01 10:00:00 INFO sender {chance.randbytes(300).hex()}" for _ in range(PART)]
                path, body, kind = document(protocol, f"s{self.number}", lines)
                connection.request("POST", path, body.encode(), {"Content-Type": kind})
                answer = connection.getresponse()
                answer.read()
                self.sent += PART
                if answer.status in (200, 204):
                    self.acknowledged += PART
                else:
                    assert answer.status == (503 if protocol in ("hec", "raw") else 429)  # Splunk's word for it
                    self.again.add(int(answer.headers["Retry-After"]))
                    self.refused += PART
                    self.stop.wait(0.05)  # far less than it was asked to
        except Exception as fault:
            self.fault = fault
        finally:
            connection.close()


def test_sent_is_acknowledged_and_refused_and_all_that_is_acknowledged_is_counted(world, tmp_path):
    """Somebody holds the database for a while, so detection cannot go on, and the log grows to its limit."""
    given = {"home": tmp_path, "backlog_mb": 1, "bundles": [{"name": "b", "bundle": world[0] / "bundle"}]}
    stop = threading.Event()
    with Service(validated(ServiceSettings, given)) as service, listening(service) as port:
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        senders = [Sender(port, number, stop) for number in range(SENDERS)]
        for one in senders:
            one.start()
        wait_for(
            lambda: (
                (service.log.backlog > 1 << 20 and all(one.refused >= 3 * PART for one in senders))
                or any(one.fault for one in senders)
            )
        )
        holder.execute("ROLLBACK")
        holder.close()
        taken = sum(one.acknowledged for one in senders)
        wait_for(lambda: sum(one.acknowledged for one in senders) > taken)  # it goes on by itself
        stop.set()
        for one in senders:
            one.join(60)
        assert [one.fault for one in senders] == [None] * SENDERS
        acknowledged, refused = (sum(getattr(one, name) for one in senders) for name in ("acknowledged", "refused"))
        assert sum(one.sent for one in senders) == acknowledged + refused
        assert (service.log.accepted, service.log.refused) == (acknowledged, refused)
        assert set.union(*(one.again for one in senders)) <= {1, 2}
        service.close_input()
        assert service.worker.records == acknowledged
        assert sum(one["records"] for one in service.store.services(0)) == acknowledged
