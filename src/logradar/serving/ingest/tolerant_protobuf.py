"""Protobuf that does not lose a batch for one wrong byte of text.

The parser of proto3 refuses a message in which any string is not valid UTF-8. Only then the body is parsed a second
time, by a copy of the schema whose strings are bytes (on the wire they are the same); the wrong ones are repaired, and
the message is what the strict schema makes of the rest.
"""

from __future__ import annotations

import threading
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from logradar.serving.ingest.bad_body import BadBody

_TEXT, _BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
_MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE


class TolerantMessage:
    """Parses messages of one class; ``strict`` is the class that protobuf made."""

    def __init__(self, strict: Any) -> None:
        self._strict = strict
        self._lenient: Any = None
        self._texts: set[str] = set()  # full names of the fields whose strings are bytes
        self._turn = threading.Lock()

    def parse(self, body: bytes) -> tuple[Any, int]:
        """The message and how many strings were repaired; raises `BadBody` for what is no such message."""
        try:
            return self._strict.FromString(body), 0
        except DecodeError:
            pass
        with self._turn:
            if self._lenient is None:
                self._lenient = self._copy()
        try:
            message = self._lenient.FromString(body)
            repaired = self._repair(message)
            return self._strict.FromString(message.SerializeToString()), repaired
        except DecodeError:
            name = self._strict.DESCRIPTOR.name
            raise BadBody(f"The body is no {name} of protobuf, or it is cut off; nothing of it was kept.") from None

    def _copy(self) -> Any:
        """The class of the same message in a pool of its own, with bytes for strings."""
        pool = descriptor_pool.DescriptorPool()
        self._add(pool, self._strict.DESCRIPTOR.file, set())
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(self._strict.DESCRIPTOR.full_name))

    def _add(self, pool: Any, file: Any, known: set[str]) -> None:
        for needed in file.dependencies:
            if needed.name not in known:
                self._add(pool, needed, known)
        schema = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(schema)
        for message in schema.message_type:
            self._turn_to_bytes(message, schema.package)
        pool.Add(schema)
        known.add(file.name)

    def _turn_to_bytes(self, message: Any, inside: str) -> None:
        name = f"{inside}.{message.name}"
        for field in message.field:
            if field.type == _TEXT:
                field.type = _BYTES
                self._texts.add(f"{name}.{field.name}")
        for nested in message.nested_type:
            self._turn_to_bytes(nested, name)

    def _repair(self, message: Any) -> int:
        """Makes all texts of a lenient message valid UTF-8; returns how many were not."""
        count = 0
        for field, value in message.ListFields():
            if field.type == _MESSAGE:
                count += sum(map(self._repair, value if field.is_repeated else (value,)))
            elif field.full_name in self._texts:
                if field.is_repeated:
                    texts = [_valid(one) for one in value]
                    count += sum(new != old for new, old in zip(texts, value, strict=True))
                    value[:] = texts
                elif (text := _valid(value)) != value:
                    setattr(message, field.name, text)
                    count += 1
        return count


def _valid(text: bytes) -> bytes:
    return text.decode(errors="replace").encode()
