"""The API is as its description says: random requests find no fault, and the description in docs is this one."""

from pathlib import Path

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished
from tests.serving.api.server import fill, running, settings_of

from logradar.serving.api.failures import Failures
from logradar.serving.api.key_text import new_key
from logradar.serving.api.openapi import openapi, openapi_text
from logradar.serving.app import create_app
from logradar.serving.service import Service

ROOT = Path(__file__).parents[3]
REFUSED = ["2xx", "3xx", "400", "401", "403", "404", "409", "429", "503"]  # 400: well formed, and it makes no sense


@pytest.fixture(scope="module")
def guarded(world, tmp_path_factory):
    """A service with keys; the address of its server, and a key that may do everything."""
    folder, lines, _ = world
    with Service(settings_of(tmp_path_factory.mktemp("guarded"), folder / "bundle", auth=True)) as service:
        fill(service, lines)
        _, key = new_key(service.store, "tester", ["admin"])
        app = create_app(service)
        app.state.guard.failures = Failures(most=1_000_000)  # wrong keys on purpose, thousands of times
        with running(app) as url:
            yield url, key


def failures(url, key, phases, examples, left_out):
    config = SchemathesisConfig.from_dict(
        {
            "base-url": url,
            "headers": {"Authorization": f"Bearer {key}"},
            "request-timeout": 60,
            "continue-on-failure": True,
            "phases": {name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")},
            "generation": {"max-examples": examples, "deterministic": True},
            "checks": {"positive_data_acceptance": {"expected-statuses": REFUSED}},
        }
    )
    schema = schemathesis.openapi.from_url(
        f"{url}/api/v1/openapi.json", config=config, headers={"Authorization": f"Bearer {key}"}
    )
    schema = schema.exclude(path=["/api/v1/feed", *left_out])  # the feed does not end
    found, cases = [], 0
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError):
            found.append(str(event.value))
        if isinstance(event, ScenarioFinished):
            cases += len(event.recorder.cases)
            for case, checks in event.recorder.checks.items():
                for check in checks:
                    if check.failure_info is not None:
                        request = event.recorder.interactions[case].request
                        body = (request.body or b"")[:500]
                        found.append(f"{request.method} {request.uri} {body!r} {check.failure_info.failure}"[:2_000])
    return found, cases


def test_random_requests_find_no_fault(guarded):
    slow = ["/api/v1/flush", "/api/v1/jobs", "/api/v1/bundles", "/api/v1/bundles/{name}/review"]
    found, cases = failures(*guarded, ("examples", "fuzzing"), 3, slow)
    assert not found, "\n".join(found)
    assert cases > 100


@pytest.mark.slow
def test_many_random_requests_find_no_fault(guarded):
    found, cases = failures(*guarded, ("examples", "coverage", "fuzzing", "stateful"), 25, [])
    assert not found, "\n".join(found)
    assert cases > 2_000


def test_the_description_in_docs_is_this_one():
    assert (ROOT / "docs" / "openapi.json").read_text("utf-8") == openapi_text(), "run `make docs`"


def test_every_operation_is_described():
    document = openapi()
    names = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            names.append(operation["operationId"])
            assert operation["summary"] and len(operation["description"]) > 20, where
            assert any("example" in str(one) for one in operation["responses"].values()), where
            for asked in operation.get("parameters", []):
                assert asked["description"], (where, asked["name"])
            assert (operation["security"] == []) == (path == "/livez"), where
    assert len(set(names)) == len(names)
