"""AnyValue of OpenTelemetry as Python values, from protobuf and from JSON.

opentelemetry.proto.common.v1; in JSON bytes are base64 and 64-bit numbers are text (the OTLP specification, "JSON
Protobuf Encoding").
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from logradar.serving.ingest.decoded import compact


def from_protobuf(value: Any) -> Any:
    """Text, number, truth value, list, dictionary or None; bytes are text if they are UTF-8, else base64."""
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value_strindex":
        return None
    if kind == "array_value":
        return [from_protobuf(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return pairs_from_protobuf(value.kvlist_value.values)
    if kind == "bytes_value":
        return _of_bytes(value.bytes_value)
    return getattr(value, kind)


def pairs_from_protobuf(pairs: Iterable[Any]) -> dict[str, Any]:
    """Attributes by their names; of a name that is there twice the last one."""
    found = {}
    for pair in pairs:
        value = pair.value
        found[pair.key] = value.string_value or from_protobuf(value)
    return found


def from_json(value: Any) -> Any:
    """The same values as `from_protobuf`; what is no AnyValue stays as it is."""
    if not isinstance(value, dict):
        return value
    if not value:
        return None
    kind, inner = next(iter(value.items()))
    if kind == "stringValue" or kind == "boolValue" or kind == "doubleValue":
        return inner
    if kind == "intValue":
        return _whole(inner)
    if kind == "arrayValue" and isinstance(inner, dict):
        values = inner.get("values")
        return [from_json(one) for one in values] if isinstance(values, list) else []
    if kind == "kvlistValue" and isinstance(inner, dict):
        return pairs_from_json(inner.get("values"))
    if kind == "bytesValue" and isinstance(inner, str):
        try:
            return _of_bytes(base64.b64decode(inner + "=" * (-len(inner) % 4)))
        except ValueError:
            return inner
    return value


def pairs_from_json(pairs: Any) -> dict[str, Any]:
    """Attributes by their names, from a list of KeyValue objects; a dictionary is taken as it is."""
    if isinstance(pairs, dict):
        return pairs
    if not isinstance(pairs, list):
        return {}
    return {
        key: from_json(pair.get("value"))
        for pair in pairs
        if isinstance(pair, dict) and isinstance(key := pair.get("key"), str)
    }


def as_text(value: Any) -> str:
    """A body as text: text as it is, all else as compact JSON, nothing as empty text."""
    if isinstance(value, str):
        return value
    return "" if value is None else compact(value)


def _whole(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= 20:
        try:
            return int(value)
        except ValueError:
            return value
    return value


def _of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
