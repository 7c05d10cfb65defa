"""Problems: every error is a document of RFC 9457 (application/problem+json) with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from logradar.core.errors import LogRadarError
from logradar.serving.api.answers import answer
from logradar.serving.ingest.sink import Refused
from logradar.serving.store.errors import FULL, LOCKED, UNREACHABLE, QueryError, StoreError

KIND: Final = "application/problem+json"
_FAULTS: Final = 20  # that are listed at most
_LONGEST: Final = 300  # characters of one of them
_LATER: Final = {"Retry-After": "5"}
TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_PHRASES: Final = frozenset({*TITLES.values(), *(one.phrase for one in HTTPStatus)})
_WORDS: Final = {  # where Starlette says no more than the name of the status
    404: "There is nothing at this address; /api/v1/openapi.json lists all addresses.",
    405: "This address does not take this method; the header Allow names those that it takes.",
    413: "The body is too large: send it in several requests.",
}


class Fault(BaseModel):
    """One wrong value of a request."""

    where: str = Field(description="Its place: query, path or body, and the names that lead to it.")
    problem: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="Always about:blank: the status says what sort of problem it is.")
    title: str = Field(description="The name of the status.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="A sentence that says what is wrong, and what to do instead.")
    errors: list[Fault] | None = Field(None, description="The wrong values, where a request has some.")


def problem(
    status: int, detail: str, *, errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """An error as a response."""
    title = TITLES.get(status, "Problem")
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        document["errors"] = list(errors)
    return answer(document, status, headers=headers, kind=KIND)


def missing(what: str, name: str) -> HTTPException:
    """The error for something that does not exist."""
    return HTTPException(404, f"There is no {what} '{name[:60]}'.")


def add_problems(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(HTTPException, _of_status)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(LogRadarError, _of_sentence)
    app.add_exception_handler(TimeoutError, _of_patience)


def _of_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, detail = error.status_code, str(error.detail)
    if detail in _PHRASES:  # nobody has said more than that
        detail = _WORDS.get(status, detail)
    headers = dict(error.headers or {})
    if status == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request))) or headers.get("Allow", "")
    return problem(status, detail, headers=headers)


def _methods(request: Request) -> set[str]:
    """What an address takes: Starlette looks at the first of its routes only."""
    found: set[str] = set()
    for one in iter_route_contexts(request.app.routes):
        if one.path is not None and compile_path(one.path)[0].match(request.url.path):
            found |= set(one.methods or ())
    return found


def _of_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(map(str, one["loc"]))[:_LONGEST], "problem": str(one["msg"])[:_LONGEST]}
        for one in error.errors()[:_FAULTS]
    ]
    count = len(error.errors())
    first = f"{faults[0]['where']}: {faults[0]['problem']}" if faults else "it does not fit the documentation"
    more = f" ({count - 1:,} more)" if count > 1 else ""
    return problem(422, f"The request is wrong: {first}{more}.", errors=faults)


def _of_sentence(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return problem(error.status, str(error), headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, StoreError) and not isinstance(error, QueryError):
        waits = error.reason in (LOCKED, FULL, UNREACHABLE)
        return problem(503 if waits else 500, str(error), headers=_LATER if waits else None)
    return problem(400, str(error))


def _of_patience(request: Request, error: Exception) -> Response:
    return problem(503, "The service is busy and did not do it in time; ask again in a moment.", headers=_LATER)
