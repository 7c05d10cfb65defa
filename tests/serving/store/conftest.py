"""The store in SQLite and in a real PostgreSQL: every test that takes ``store`` or ``url`` runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.serving.store import postgres

from logradar.serving.store.schema import METADATA
from logradar.serving.store.store import Store

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))  # one process starts the server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL, with a place for the name of a database."""
    if reason := postgres.reason_not_here():
        pytest.skip(reason)
    with postgres.running() as address:
        yield address


@pytest.fixture(scope="session")
def new_database(server: str) -> Callable[[], str]:
    """Creates an empty database and gives its address."""
    made: list[str] = []

    def create() -> str:
        made.append(f"store{len(made)}")
        engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {made[-1]}"))
        engine.dispose()
        return server.format(made[-1])

    return create


@pytest.fixture(scope="session")
def kept_database(new_database: Callable[[], str]) -> str:
    """A database whose tables are emptied before each test: that is quicker than a new one."""
    url = new_database()
    Store.open(url).close()
    return url


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite without rows, to be copied: that is quicker than all migrations."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", POSTGRESQL])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return request.getfixturevalue("new_database")()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store without rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path / 'store.db'}"
    address = request.getfixturevalue("kept_database")
    empty(address)
    return address


class Clock:
    """The time of this machine as tests set it, in microseconds."""

    def __init__(self) -> None:
        self.now = 2_000_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    """An empty store with a clock that stands still."""
    with Store.open(url, clock=clock) as opened:
        yield opened


def empty(address: str) -> None:
    """Delete all rows of a PostgreSQL, and begin with number 1 again."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY CASCADE"))
    engine.dispose()
