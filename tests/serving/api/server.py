"""A server of an application on a free port of loopback, and a service with data for it."""

import asyncio
import threading
import time
from contextlib import contextmanager

import uvicorn

from logradar.serving.arrivals import Arrival
from logradar.serving.serve import _listen
from logradar.serving.settings import RouteSettings, ServiceSettings


@contextmanager
def running(app):
    """The address of a server of the application; its feeds end first, as in `logradar serve`."""
    listening = _listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=5))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(app.state.feeds.close)
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()
        loop.close()


def fill(service, lines):
    service.log.put([Arrival("tail:hdfs", line, service="datanode") for line in lines]).result(10)
    service.close_input()


def settings_of(home, bundle, **more):
    return ServiceSettings(home=home, bundles=[RouteSettings(name="hdfs", bundle=bundle)], **more)
