"""A real server of a real service with data in it, on a free port of loopback."""

import httpx
import pytest
from tests.serving.api.server import fill, running, settings_of

from logradar.serving.app import create_app
from logradar.serving.service import Service


@pytest.fixture(scope="module")
def service(world, tmp_path_factory):
    """A service without keys that has judged all lines of the world."""
    folder, lines, _ = world
    with Service(settings_of(tmp_path_factory.mktemp("service"), folder / "bundle")) as found:
        fill(found, lines)
        yield found


@pytest.fixture(scope="module")
def address(service):
    with running(create_app(service)) as url:
        yield url


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=60) as found:
        yield found
