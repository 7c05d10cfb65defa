"""A deployment on this machine: one SuperLink and one SuperNode for each client, over loopback, as Flower runs them.

All of them speak TLS, with certificates that are made for the run.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from logradar.core.errors import ConfigError, ProcessError
from logradar.federated.byte_counter import ByteCounter
from logradar.federated.certificates import Certificates
from logradar.federated.client import Client
from logradar.federated.run import Federation
from logradar.federated.server import FILE, Round, Server
from logradar.federated.site_folder import write

_LOOPBACK: Final = "127.0.0.1"
_QUIET: Final = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "RAY_USAGE_STATS_ENABLED": "0"}
_MOST: Final = 16  # SuperNodes on one machine: each needs the memory of a Python with torch
_APP: Final = """
[project]
name = "logradar-federation"
version = "1.0.0"
description = "Rounds of a federation of LogRadar"
license = "Apache-2.0"
dependencies = []

[tool.flwr.app]
publisher = "logradar"

[tool.flwr.app.components]
serverapp = "rounds:server"
clientapp = "rounds:client"

[tool.flwr.app.config]
folder = {folder}
state = {state}
patience = {patience}
"""
_MODULE: Final = "from logradar.federated.flower_apps import client, server\n\n__all__ = ['client', 'server']\n"


def deployed(
    federation: Federation, home: Path, *, patience: float = 300.0
) -> Callable[[Server, Mapping[int, Client], Callable[[Round], None]], None]:
    """A transport over real SuperNodes, in files below ``home``; ``patience`` (seconds) is how long a round may take.

    Bytes are counted where they pass a socket, and are in `Round.figures`. Raises
    `ConfigError` where Flower is not installed or there are too many clients for one machine, and `ProcessError` where
    Flower ends or does not get on.
    """
    if find_spec("flwr") is None:
        raise ConfigError(
            "A deployment needs Flower: pip install 'logradar[deep,text,federated]' into an environment of its own."
        )
    if len(federation.clients) > _MOST:
        raise ConfigError(
            f"{len(federation.clients)} SuperNodes are too many for one machine; use --clients {_MOST} or fewer, "
            "or the simulation, which gives the same hash."
        )

    def transport(server: Server, clients: Mapping[int, Client], done: Callable[[Round], None]) -> None:
        folder, state = home / "site", home
        write(folder, federation)
        with _running(folder, state, sorted(clients), patience) as counters:
            began, seen = time.monotonic(), server.number
            sent, figures = [(0, 0)], [one.figures for one in server.rounds]
            while seen < server.settings.rounds:
                time.sleep(0.2)
                if (state / FILE).is_file() and _rounds_in(state) > seen:
                    server.resume()
                    now = sum(one.up for one in counters), sum(one.down for one in counters)
                    for one in server.rounds[seen:]:
                        up, down = now[0] - sent[-1][0], now[1] - sent[-1][1]
                        figures.append({**one.figures, "socket_up": up, "socket_down": down})
                        sent.append(now)
                        one.figures = figures[-1]
                        done(one)
                    for one, own in zip(server.rounds, figures, strict=True):  # `resume` read them anew
                        one.figures = own
                    seen, began = server.number, time.monotonic()
                elif time.monotonic() - began > 2 * patience:
                    raise ProcessError(f"No round ended for {2 * patience:.0f} seconds; see the logs in '{home}'.")

    return transport


def _rounds_in(state: Path) -> int:
    return int(json.loads((state / FILE).read_text())["number"])


@contextmanager
def _running(folder: Path, state: Path, clients: list[int], patience: float) -> Iterator[list[ByteCounter]]:
    """SuperLink and SuperNodes with the app at work; at the end all of them are ended."""
    home = folder.parent.resolve()
    app = home / "app"
    app.mkdir(exist_ok=True)
    names = {"folder": str(folder.resolve()), "state": str(state.resolve())}
    (app / "pyproject.toml").write_text(
        _APP.format(patience=patience, **{name: json.dumps(path) for name, path in names.items()})
    )
    (app / "rounds.py").write_text(_MODULE)
    flower = home / "flower"
    flower.mkdir(exist_ok=True)
    port = _free_port()
    made = Certificates.made(home / "certificates", _LOOPBACK)
    (flower / "config.toml").write_text(
        f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "{_LOOPBACK}:{port}"\n'
        f"root-certificates = {json.dumps(str(made.authority))}\n"
    )
    files = {"ca-certfile": made.authority, "certfile": made.certificate, "keyfile": made.key}
    trust = [f"--ssl-{name}={path}" for name, path in files.items()]
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home / "certificates", ignore_errors=True)
        start = _Starter(stack, home, _environment(flower))
        link = start("flower-superlink", *trust, "--disable-runtime-dependency-installation", "--port", str(port))
        _wait_for(port, link, home)
        counters = []
        for number in clients:
            counter = stack.enter_context(ByteCounter(port))
            counters.append(counter)
            address = f"{_LOOPBACK}:{counter.port}"
            config = f"number={number} folder={json.dumps(names['folder'])}"
            trusted = ["--root-certificates", str(made.authority), "--superlink", address]
            start("flower-supernode", *trusted, "--port", str(_free_port()), "--node-config", config)
        run = start.once("flwr", "run", str(app), "here")
        if run.returncode:
            raise ProcessError(f"Flower did not take the app: {' '.join(run.stdout.split())[-300:]}")
        yield counters


class _Starter:
    """Starts programs of Flower, which lie beside this Python, and ends them with the stack."""

    def __init__(self, stack: ExitStack, home: Path, environment: dict[str, str]) -> None:
        self.stack, self.home, self.environment = stack, home, environment
        self.count = 0

    def __call__(self, program: str, *words: str) -> subprocess.Popen[Any]:
        self.count += 1
        log = self.stack.enter_context((self.home / f"{program}-{self.count}.log").open("wb"))
        process = subprocess.Popen(
            [_program(program), *words], stdout=log, stderr=log, env=self.environment, start_new_session=True
        )
        self.stack.callback(_end, process)
        return process

    def once(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_program(program), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            timeout=300,
            check=False,
        )


def _environment(flower: Path) -> dict[str, str]:
    """That of this process; Flower finds its own programs, and keeps its files in ``flower``."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **_QUIET, "FLWR_HOME": str(flower), "PATH": path}


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _end(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it started, which share its session."""
    import signal

    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _free_port() -> int:
    with socket.create_server((_LOOPBACK, 0)) as one:
        return int(one.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[Any], home: Path, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((_LOOPBACK, port), 1).close()
            return
        except OSError:
            time.sleep(0.3)
    what = "ended" if process.poll() is not None else f"did not listen within {seconds:.0f} seconds"
    raise ProcessError(f"The SuperLink {what}; see its log in '{home}'.")
