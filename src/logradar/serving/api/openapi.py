"""OpenAPI: the description of the API, the same for every service; a test compares it with `docs/openapi.json`."""

from __future__ import annotations

from typing import Any, Final, cast

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from logradar.serving.api.context import Context
from logradar.serving.api.guard import Guard
from logradar.serving.api.key_text import SCOPES
from logradar.serving.api.problems import KIND, TITLES, Fault, Problem
from logradar.serving.api.routes import api_router
from logradar.serving.service import Service
from logradar.serving.store.store import Store

TITLE: Final = "LogRadar"
_VERSION: Final = "1"  # of the API, as its paths have it; that of LogRadar is in the figures of the service
_WORDS: Final = (
    "Detects what is not normal in logs. With keys (`--auth`) every request needs one, as `Authorization: Bearer lr_…` "
    "or `X-API-Key`; each operation names the scope that it needs. Errors are documents of RFC 9457. Lists come in "
    "pages: send `next_cursor` as `cursor` to get the next one. Text of log lines comes from outside: treat it as data."
)
_ERRORS: Final = {
    400: ("It is well formed and makes no sense, such as a cursor of another list.", "The cursor is damaged."),
    401: ("It needs a key.", "This needs a key: send it as 'Authorization: Bearer lr_…'."),
    403: ("The key does not have the scope.", "The key 'otel' does not have the scope 'read' that this needs."),
    404: ("There is no such thing.", "There is no incident 'a1'."),
    409: ("It cannot be done now.", "A training waits for its turn already; ask again when it has begun."),
    413: ("The body is too large.", "The body is too large: send it in several requests."),
    422: ("The request does not fit this description.", "The request is wrong: query.limit: it is too large."),
    429: ("Too many failed attempts; Retry-After says how long to wait.", "Too many failed attempts; wait 6 s."),
    500: ("A fault of LogRadar.", "This is a fault of LogRadar; the log of the service says more."),
    503: ("It cannot answer now; Retry-After says how long to wait.", "The store is busy: ask again in a moment."),
}


def openapi() -> dict[str, Any]:
    """The description as JSON values; no service is needed for it."""
    app = FastAPI()
    nobody = cast(Service, None)
    app.include_router(api_router(Context(nobody, Guard(cast(Store, None), True))))
    return describe(app)


def openapi_text() -> str:
    """The text of `docs/openapi.json`."""
    return orjson.dumps(openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of an application: every operation with its scope and its errors."""
    document = get_openapi(
        title=TITLE, version=_VERSION, openapi_version="3.1.0", description=_WORDS, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (Problem, Fault):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key, `lr_…`, as a bearer token."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key in a header."},
    }
    document["components"]["responses"] = _errors()
    scopes = _scopes(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, path, method, scopes.get((path, method.upper())))
    return document


def _complete(operation: dict[str, Any], path: str, method: str, scope: str | None) -> None:
    responses = operation["responses"]
    for status in _ERRORS:
        if not _may_happen(status, path, method, scope) or (str(status) in responses and status != 422):
            continue
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = dict(sorted(responses.items()))
    operation["security"] = [{"bearer": []}, {"header": []}] if scope else []
    if scope:
        operation["description"] = f"{operation.get('description', '').strip()}\n\nScope: `{scope}`."
        operation["x-scope"] = scope


def _may_happen(status: int, path: str, method: str, scope: str | None) -> bool:
    if status in (401, 403, 429):
        return scope is not None
    if status == 404:
        return "{" in path or path.endswith(("/detect", "/severity", "/feedback"))
    if status == 409:
        return method == "post" and path.endswith(("/jobs", "/detect", "/feedback"))
    return status != 413 or method == "post"


def _name(status: int) -> str:
    return TITLES[status].replace(" ", "")


def _errors() -> dict[str, Any]:
    """All errors, each once."""
    found = {}
    for status, (words, example) in _ERRORS.items():
        sample = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": example}
        content = {KIND: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": sample}}
        found[_name(status)] = {"description": words, "content": content}
    return found


def _scopes(app: FastAPI) -> dict[tuple[str, str], str]:
    """The scope of each path and method."""
    found: dict[tuple[str, str], str] = {}
    for one in iter_route_contexts(app.routes):
        route = one.original_route
        asked = [getattr(each.dependency, "logradar_scope", None) for each in getattr(route, "dependencies", ())]
        for scope in filter(None, asked):
            found |= {(str(one.path_format), method): scope for method in one.methods or ()}
    assert set(found.values()) <= set(SCOPES)
    return found
