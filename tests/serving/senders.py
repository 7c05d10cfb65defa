"""Sends the lines of files to a service that runs, over each protocol, in random batches, in order of time."""

import asyncio
import contextlib
import http.client
import json
import random
import re
import socket
import threading
import time

import uvicorn

from logradar.serving.app import create_app
from logradar.serving.listeners.syslog import SyslogListener
from logradar.serving.listeners.tailing import Tailer
from logradar.serving.serve import _listen

HTTP = ("otlp", "loki", "bulk", "hec", "raw")
PROTOCOLS = (*HTTP, "syslog", "tail")


def document(protocol, name, lines):
    """Path, body and content type of a request with lines of the file ``name``; without a name it tells no service."""
    now = time.time_ns()
    if protocol == "otlp":
        records = [{"timeUnixNano": str(now), "body": {"stringValue": line}} for line in lines]
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": name}}] if name else []}
        whole = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
        return "/v1/logs", json.dumps(whole), "application/json"
    if protocol == "loki":
        values = [[str(now + place), line] for place, line in enumerate(lines)]
        labels = {"service_name": name} if name else {"cluster": "one"}  # a file name would tell the service
        whole = {"streams": [{"stream": labels, "values": values}]}
        return "/loki/api/v1/push", json.dumps(whole), "application/json"
    if protocol == "bulk":
        named = {"service.name": name} if name else {}
        rows = [f'{{"create":{{}}}}\n{json.dumps({"message": line, **named})}\n' for line in lines]
        return f"/{name or 'logs'}/_bulk", "".join(rows), "application/x-ndjson"
    if protocol == "hec":
        named = {"source": name, "fields": {"service.name": name}} if name else {}
        rows = [json.dumps({"event": line, **named}) for line in lines]
        return "/services/collector", "".join(rows), "application/json"
    return f"/services/collector/raw?source={name or 'all'}&channel=1", "\n".join(lines) + "\n", "text/plain"


def rounds(files, chance):
    """Batches (name, lines) of files by name, of several minute by minute, as their services would send them."""
    minutes = {}
    for name, lines in files.items():
        moment = ""
        for line in lines:
            found = len(files) > 1 and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5}|[0-9]{6} [0-9]{4}", line)
            moment = max(moment, found[0]) if found else moment
            minutes.setdefault(moment, {}).setdefault(name, []).append(line)
    for _, parts in sorted(minutes.items()):
        for name, lines in parts.items():
            place = 0
            while place < len(lines):
                size = chance.choice([1, 5, 100, 1000])
                yield name, lines[place : place + size]
                place += size


@contextlib.contextmanager
def listening(service):
    """The HTTP port of an application that serves ``service``."""
    sockets = _listen("127.0.0.1", 0)
    config = uvicorn.Config(create_app(service), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve([sockets]),), daemon=True)
    thread.start()
    try:
        yield sockets.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        sockets.close()


@contextlib.contextmanager
def in_loop(begin, end):
    """An event loop in a thread, in which ``begin`` has been run, and ``end`` is at last."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def send(service, protocol, files, seed, folder, batches_of=rounds):
    """Send all lines and return once the service has them on disk."""
    batches = batches_of(files, random.Random(seed))
    count = service.log.accepted + sum(map(len, files.values()))
    if protocol in HTTP:
        with listening(service) as port:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for name, lines in batches:
                path, body, kind = document(protocol, name, lines)
                connection.request("POST", path, body.encode(), {"Content-Type": kind})
                answer = connection.getresponse()
                assert answer.status in (200, 204), answer.read()
                answer.read()
            connection.close()
    elif protocol == "syslog":
        listener = SyslogListener(service.log, tcp=0, udp=None)
        with in_loop(listener.start, listener.stop):
            with socket.create_connection(("127.0.0.1", listener.ports["tcp"])) as sender:
                for name, lines in batches:
                    framed = [f"<14>1 2026-11-30T10:00:00Z host {name or '-'} - - - {line}\n" for line in lines]
                    sender.sendall("".join(framed).encode(errors="surrogateescape"))
            wait_for(lambda: service.log.accepted >= count)
    else:
        tailer = Tailer(service.log, [str(folder / "*.log")], positions=folder / "positions.json")
        tasks = []

        async def begin():
            tasks.append(asyncio.create_task(tailer.run()))

        async def end():
            tailer.stop()
            await tasks[0]

        with in_loop(begin, end):
            for name, lines in batches:
                with (folder / f"{name or 'all'}.log").open("a", errors="surrogateescape", newline="") as file:
                    file.write("".join(f"{line}\n" for line in lines))
            wait_for(lambda: service.log.accepted >= count)


def wait_for(done, seconds=60):
    """Until ``done`` says so."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)
