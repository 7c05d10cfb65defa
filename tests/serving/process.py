"""`logradar serve` as a process of its own, for tests that kill it or take its disk away."""

import http.client
import json
import re
import subprocess
import sys
import time


class Process:
    """The service in the folder ``home``; what it says goes to serve.err beside that, or in ``errors``.

    ``settings`` are written as on the command line; ``before`` are words of a program that starts it.
    """

    def __init__(self, home, bundle, *settings, before=(), errors=None):
        self.errors = errors or home.parent / "serve.err"
        command = [sys.executable, "-m", "logradar", "serve", str(bundle), "--home", str(home), "--port", "0"]
        with self.errors.open("a") as file:
            self.process = subprocess.Popen(
                [*before, *command, *(settings or ["snapshot_seconds=0.5"])],
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self.port = None
        while self.port is None:
            line = self.process.stdout.readline()
            if not line:
                self.kill()
            assert line, self.said()
            found = re.search(r"http://127.0.0.1:(\d+)/dashboard", line)
            self.port = found and int(found[1])

    def said(self):
        """What it wrote to the standard error, since the first of its kind began."""
        return self.errors.read_text()

    def request(self, method, path, body=None, kind="application/json"):
        """The status, the headers and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, kind="application/json"):
        """The status and the body of an answer."""
        status, _, said = self.request(method, path, body, kind)
        return status, said

    def figure(self, name):
        """A figure without labels of `/metrics`."""
        _, text = self.ask("GET", "/metrics")
        return int(float(re.search(rf"^{name} (\S+)$".encode(), text, re.MULTILINE)[1]))

    def records(self):
        return self.figure("logradar_records_total")

    def settled(self, *allowed):
        """How many records detection has read, once that has not changed for a while, and can be."""
        until, before, since = time.monotonic() + 60, None, time.monotonic()
        while before not in allowed or time.monotonic() - since < 1.6:  # three ticks: nothing is held back any more
            found = self.records()
            if found != before:
                before, since = found, time.monotonic()
            assert time.monotonic() < until, (found, allowed)
            time.sleep(0.1)
        return before

    def counted(self):
        """How many records the store has counted, of all services."""
        services = json.loads(self.ask("GET", "/api/v1/services")[1])["services"]
        return sum(one["records"] for one in services)

    def parts(self):
        """What `/readyz` says: each part that is not well, with its sentence."""
        parts = json.loads(self.ask("GET", "/readyz")[1])["parts"]
        return {one["name"]: one["sentence"] for one in parts if not one["ok"]}

    def every(self, what):
        found, cursor = [], ""
        while True:
            page = json.loads(self.ask("GET", f"/api/v1/{what}?limit=200{cursor}")[1])
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def stop(self):
        """End it as systemd does; returns its exit status."""
        self.process.terminate()
        status = self.process.wait(60)
        self.process.stdout.close()
        return status

    def kill(self):
        """End it at once; nothing happens where it has ended."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
