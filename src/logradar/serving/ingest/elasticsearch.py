"""Elasticsearch bulk: `/_bulk` and `/{index}/_bulk`; every action gets its own status in the answer.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk. ``index`` and ``create`` are taken; logs are
not changed afterwards, so ``update`` and ``delete`` are refused, each for itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest import json_text
from logradar.serving.ingest.bad_body import BadBody, too_large
from logradar.serving.ingest.decoded import compact, name_of
from logradar.serving.ingest.documents import arrival_of_document
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.moments import with_late_times

HEADERS: Final = {"X-Elastic-Product": "Elasticsearch"}  # without it clients refuse to go on
_TYPES: Final = {
    400: "illegal_argument_exception",
    401: "security_exception",
    403: "security_exception",
    413: "content_too_long_exception",
    429: "es_rejected_execution_exception",
    503: "unavailable_shards_exception",
}
_DONE: Final = (
    '","_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},'
    '"_seq_no":0,"_primary_term":1,"status":201}}'
)


class Action(NamedTuple):
    """What one line of a bulk body asks for; ``id`` is None where Elasticsearch would choose one."""

    operation: str
    index_name: str | None
    id: str | None


class Bulk(NamedTuple):
    """`Decoded`, with the actions in their order; positions of rejected ones are those of ``actions``."""

    arrivals: list[Arrival]
    rejected: list[tuple[int, str]]
    repaired: int
    actions: list[Action]


def decode(body: bytes, target: Mapping[str, str], limits: Limits) -> Bulk:
    """The documents of a bulk request; ``target`` may name the ``index``. Raises `BadBody`.

    A line that is no action refuses the whole request, since it is not known what the next line is then.
    """
    if body.count(b"\n") > 4 * limits.records:
        raise too_large("The bulk request", limits.records, "actions")
    lines = [line for line in body.split(b"\n") if line and not line.isspace()]
    if not lines:
        raise BadBody("request body is required")
    arrivals: list[Arrival] = []
    rejected: list[tuple[int, str]] = []
    actions: list[Action] = []
    known: dict[bytes, Action] = {}
    late: list[tuple[int, str]] = []
    repaired, place, depth = 0, 0, limits.depth
    while place < len(lines):
        head = lines[place]
        action = known.get(head)
        if action is None:
            action = known[head] = _action(head, place, target.get("index"), depth)
        place += 1
        actions.append(action)
        if len(actions) > limits.records:
            raise too_large("The bulk request", limits.records, "actions")
        if action.operation == "delete":
            rejected.append((len(actions) - 1, "logs are kept as they came: delete is refused"))
            continue
        if place == len(lines):
            raise BadBody(f"The action in line {place} has no document below it.")
        line = lines[place]
        place += 1
        if action.operation == "update":
            rejected.append((len(actions) - 1, "logs are kept as they came: update is refused, use create"))
            continue
        try:
            document, wrong = json_text.loads(line, depth)
        except BadBody as error:
            rejected.append((len(actions) - 1, str(error)))
            continue
        if not isinstance(document, dict) or action.index_name is None:
            reason = "index is missing" if isinstance(document, dict) else "a document is a JSON object"
            rejected.append((len(actions) - 1, reason))
            continue
        repaired += wrong
        arrival, text = arrival_of_document(document, "elasticsearch", action.index_name)
        if text is not None:
            late.append((len(arrivals), text))
        arrivals.append(arrival)
    with_late_times(arrivals, late)
    return Bulk(arrivals, rejected, repaired, actions)


def success(request: Request, bulk: Bulk) -> Response:
    """The status of every action; ``request.state.began`` is `time.monotonic` at the start of the request."""
    return Response(answer(bulk, request.state.began), headers=HEADERS, media_type="application/json")


def answer(bulk: Bulk, began: float) -> bytes:
    """The document with the status of every action; the milliseconds since ``began`` are what it took."""
    reasons = dict(bulk.rejected)
    stem = f"{time.time_ns():x}"
    items = []
    for place, (operation, index, own) in enumerate(bulk.actions):
        if place in reasons:
            error = {"type": "document_parsing_exception", "reason": reasons[place]}
            items.append(compact({operation: {"_index": index, "_id": own, "status": 400, "error": error}}))
        elif own is None:
            items.append(f'{{"{operation}":{{"_index":{compact(index)},"_id":"{stem}-{place}{_DONE}')
        else:
            items.append(f'{{"{operation}":{{"_index":{compact(index)},"_id":{compact(own)[:-1]}{_DONE}')
    took = int((time.monotonic() - began) * 1000)
    head = f'{{"took":{took},"errors":{"true" if reasons else "false"},"items":['
    return (head + ",".join(items) + "]}").encode()


def failure(request: Request, status: int, reason: str) -> Response:
    """The reason as an error document of Elasticsearch."""
    cause = {"type": _TYPES.get(status, "illegal_argument_exception"), "reason": reason}
    document = {"error": {"root_cause": [cause], **cause}, "status": status}
    return Response(compact(document), status, HEADERS, media_type="application/json")


def _action(line: bytes, place: int, index: str | None, depth: int) -> Action:
    value: Any
    value, _ = json_text.loads(line, depth)
    operation = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
    if operation not in ("index", "create", "update", "delete") or not isinstance(value[operation], dict | None):
        raise BadBody(
            f"Malformed action/metadata line [{place + 1}]: send index or create as in "
            '{"index": {"_index": "logs"}}, with the document in the next line.'
        )
    meta = value[operation] or {}
    own = meta.get("_id")
    return Action(operation, name_of(meta.get("_index")) or name_of(index), name_of(own))
