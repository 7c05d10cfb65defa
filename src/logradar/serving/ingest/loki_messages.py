"""PushRequest of Loki as a class of protobuf: no package has its descriptor.

grafana/loki, pkg/push/push.proto: the fields that clients write, with the same numbers.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from logradar.serving.ingest.tolerant_protobuf import TolerantMessage

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_MESSAGES: Final = {  # name, number, type, whether there are many
    "PushRequest": (("streams", 1, "Stream", True),),
    "Stream": (("labels", 1, _FIELD.TYPE_STRING, False), ("entries", 2, "Entry", True)),
    "Entry": (
        ("timestamp", 1, "Time", False),
        ("line", 2, _FIELD.TYPE_STRING, False),
        ("metadata", 3, "Pair", True),
    ),
    "Pair": (("name", 1, _FIELD.TYPE_STRING, False), ("value", 2, _FIELD.TYPE_STRING, False)),
    "Time": (("seconds", 1, _FIELD.TYPE_INT64, False), ("nanos", 2, _FIELD.TYPE_INT32, False)),
}


@cache
def push_requests() -> TolerantMessage:
    """The parser of pushes: messages with ``streams``, each with ``labels`` and ``entries``."""
    schema = descriptor_pb2.FileDescriptorProto(name="logradar/loki.proto", package="logradar.loki", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = schema.message_type.add(name=name)
        for field, number, kind, many in fields:
            row = message.field.add(name=field, number=number)
            row.label = _FIELD.LABEL_REPEATED if many else _FIELD.LABEL_OPTIONAL
            if isinstance(kind, str):
                row.type, row.type_name = _FIELD.TYPE_MESSAGE, f".logradar.loki.{kind}"
            else:
                row.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(schema)
    return TolerantMessage(message_factory.GetMessageClass(pool.FindMessageTypeByName("logradar.loki.PushRequest")))
