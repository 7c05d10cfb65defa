"""A PostgreSQL of the tests' own: started as a user without rights on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=50")


def reason_not_here() -> str | None:
    """Why no PostgreSQL can be started; None where one can."""
    if not PROGRAMS:
        return "no PostgreSQL here: /usr/lib/postgresql/*/bin is missing (Debian: postgresql)"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or _user() is None):
        return "PostgreSQL does not run as root, and there is no runuser or no other user"
    return None


@contextmanager
def running() -> Iterator[str]:
    """The address of a server, less the name of a database; it ends with this."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    root, data = os.geteuid() == 0, folder / "data"
    before: list[str] = []
    if root:
        user = _user()
        assert user is not None
        shutil.chown(folder, user)
        before = ["runuser", "-u", user, "--"]

    def call(*command: str) -> None:
        done = subprocess.run([*before, *command], cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    programs = PROGRAMS[0]
    try:
        call(str(programs / "initdb"), "-D", str(data), "-U", "logradar", "-A", "trust", "-N", "-E", "UTF8",
             "--no-instructions", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")  # fmt: skip
        options = " ".join(f"-c {one}" for one in (*SETTINGS, f"unix_socket_directories={folder}"))
        call(str(programs / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql+psycopg://logradar@/{{}}?host={folder}"
        finally:
            call(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None
