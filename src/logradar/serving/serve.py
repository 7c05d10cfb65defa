"""Serve: runs a service until it is stopped: HTTP, syslog and files that are followed in, all else by its threads."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import uvicorn

from logradar.core.errors import ConfigError, LogRadarError
from logradar.core.progress import say
from logradar.serving.app import create_app
from logradar.serving.listeners.syslog import SyslogListener
from logradar.serving.listeners.tailing import STDIN, Tailer
from logradar.serving.service import Service
from logradar.serving.settings import ServiceSettings

_TIDY: Final = 600.0  # seconds between two looks for what is old
_QUEUE: Final = 2048  # connections that wait to be accepted
_TURN: Final = 0.001  # seconds that detection may keep a request waiting before it gives way
_GARBAGE: Final = 60.0  # seconds between two searches for garbage among all objects
_SEARCHES: Final = (2_000, 10, 1_000_000)  # among new objects, as often as usual; among all, never by themselves


def serve(settings: ServiceSettings, *, ready: Callable[[dict[str, str]], object] = lambda addresses: None) -> None:
    """Run the service until SIGINT or SIGTERM; ``ready`` is called with its addresses once it listens.

    Raises `ConfigError` where an address cannot be had or others could reach it without a key.
    """
    settings.require_safe()
    listening = _listen(settings.host, settings.port)
    try:
        with Service(settings) as service, _prompt():
            asyncio.run(_run(service, listening, ready))
    finally:
        listening.close()


@contextmanager
def _prompt() -> Iterator[None]:
    """Threads take turns more often than usual, and garbage is searched for among all objects by `_sweep` only.

    A search stops all threads: among a million objects of libraries or of open sessions for a tenth of a second and
    more. Python begins one whenever their number has grown by a quarter, under load every two seconds.
    """
    before, searches = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_TURN)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SEARCHES)
    try:
        yield
    finally:
        gc.set_threshold(*searches)
        gc.unfreeze()
        sys.setswitchinterval(before)


async def _run(service: Service, listening: socket.socket, ready: Callable[[dict[str, str]], object]) -> None:
    app = create_app(service)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    async with _senders(service) as addresses:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        ready({"http": f"http://{shown}:{port}", **addresses})
        for part in service.health():
            if not part.ok:
                say(part.sentence)
        tasks = [asyncio.create_task(_tidy(service)), asyncio.create_task(_sweep())]
        try:
            await _Server(config, app.state.feeds.close).serve(sockets=[listening])
        finally:
            for task in tasks:
                task.cancel()


class _Server(uvicorn.Server):
    """Ends at SIGINT and SIGTERM as a task that is done; a second signal does not wait for open requests."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], object]) -> None:
        super().__init__(config)
        self._end = end  # of what would keep connections open

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)


@asynccontextmanager
async def _senders(service: Service) -> AsyncIterator[dict[str, str]]:
    """Syslog and followed files, which bring lines by themselves; yields their addresses."""
    settings = service.settings
    addresses: dict[str, str] = {}
    syslog = tailer = following = None
    try:
        if settings.syslog_tcp is not None or settings.syslog_udp is not None:
            syslog = SyslogListener(
                service.log,
                host=settings.host,
                tcp=settings.syslog_tcp,
                udp=settings.syslog_udp,
                settings=settings.syslog,
            )
            await syslog.start()
            addresses |= {f"syslog {name}": f"{settings.host}:{port}" for name, port in syslog.ports.items()}
        if settings.tail:
            tailer = Tailer(service.log, settings.tail, positions=settings.home / "tail.json")
            following = asyncio.create_task(tailer.run())
            following.add_done_callback(_told)
            named = ["standard input" if one == STDIN else one for one in settings.tail]
            addresses["files"] = ", ".join(named)
        service.listeners = {"syslog": syslog, "tail": tailer}
        yield addresses
    finally:
        if syslog is not None:
            await syslog.stop()
        if tailer is not None and following is not None:
            tailer.stop()
            with suppress(Exception):
                await following


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        say(f"Files are not followed any more: {task.exception()}")


async def _tidy(service: Service) -> None:
    while True:
        await asyncio.sleep(_TIDY)
        try:
            await asyncio.to_thread(service.forget_old)
        except (LogRadarError, OSError) as error:
            say(f"What is old was not forgotten: {error}")


async def _sweep() -> None:
    while True:
        await asyncio.sleep(_GARBAGE)
        gc.collect()


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)  # asyncio sets TCP_NODELAY only where the protocol is named
    except OSError as error:
        raise ConfigError(f"'{host}' is no address of this machine ({error}).") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_QUEUE)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be had ({error.strerror}); choose another with --port."
        ) from None
    return listening
