"""What clients of Elasticsearch ask before they send: version, license, templates, policies, health and nodes.

elasticsearch-py, Filebeat, Logstash, Fluent Bit and Vector check that there is an Elasticsearch and that what they set
up is there. All is said to be there, and nothing that they set up is kept: LogRadar has no indexes.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from logradar.serving.ingest.decoded import compact
from logradar.serving.ingest.elasticsearch import HEADERS

VERSION: Final = "8.19.0"  # Beats refuse an older server than themselves, Vector and Logstash know up to 8
_NODE: Final = "logradar"
_ABOUT: Final = {
    "name": _NODE,
    "cluster_name": _NODE,
    "cluster_uuid": "bG9ncmFkYXItaW5nZXN0LQ",
    "version": {
        "number": VERSION,
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": "0000000000000000000000000000000000000000",
        "build_date": "2025-01-01T00:00:00.000Z",
        "build_snapshot": False,
        "lucene_version": "9.12.0",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}
_LICENSE: Final = {"uid": _NODE, "type": "basic", "mode": "basic", "status": "active"}
_ILM: Final = {"available": True, "enabled": True}
_DOCUMENTS: Final[dict[str, Any]] = {
    "/": _ABOUT,
    "/_license": {"license": _LICENSE},
    "/_xpack": {"build": {}, "license": _LICENSE, "features": {"ilm": _ILM}, "tagline": ""},
    "/_cluster/health": {
        "cluster_name": _NODE,
        "status": "green",
        "timed_out": False,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
    },
    "/_nodes": {"_nodes": {"total": 0, "successful": 0, "failed": 0}, "cluster_name": _NODE, "nodes": {}},
}
PATHS: Final = (
    "/_license",
    "/_xpack",
    "/_cluster/health",
    "/_nodes",
    "/_nodes/{rest:path}",
    "/_ilm/policy/{name}",
    "/_index_template/{name}",
    "/_component_template/{name}",
    "/_template/{name}",
    "/_ingest/pipeline/{name}",
    "/_data_stream/{name}",
    "/_alias/{name}",
)


def about(path: str, method: str) -> Response:
    """The answer to a request of a client that starts; writes are acknowledged and have no effect."""
    if method in ("PUT", "POST"):
        document: Any = {"acknowledged": True}
    else:
        document = _DOCUMENTS["/_nodes"] if path.startswith("/_nodes") else _DOCUMENTS.get(path, {})
    return Response(compact(document), headers=HEADERS, media_type="application/json")


def at_start(request: Request, root: str = "") -> Response:
    """The same for a request; ``root`` is the prefix of the paths."""
    return about(request.url.path.removeprefix(root).rstrip("/") or "/", request.method)
