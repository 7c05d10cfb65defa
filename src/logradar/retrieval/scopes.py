"""Scopes: the functions and classes of a source file, and which of them a place is in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from logradar.retrieval.messages import Node, text_of

_NAMES = (
    "identifier",
    "simple_identifier",
    "field_identifier",
    "property_identifier",
    "type_identifier",
    "qualified_identifier",
)


@dataclass(frozen=True)
class Scope:
    """A function or class: ``name`` is qualified by the classes around it; lines count from 1, bytes from 0."""

    kind: str
    name: str
    line: int
    end_line: int
    start: int
    end: int
    parameters: tuple[str, ...] = ()


class Scopes:
    """The scopes of a file, by the place of a byte."""

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self.all = sorted(scopes, key=lambda one: (one.start, -one.end))
        self._starts = [one.start for one in self.all]
        self._above: list[int] = []
        open_: list[int] = []
        for place, one in enumerate(self.all):
            while open_ and self.all[open_[-1]].end <= one.start:
                open_.pop()
            self._above.append(open_[-1] if open_ else -1)
            open_.append(place)

    def around(self, byte: int, kind: str = "function") -> int:
        """The number of the innermost scope of that kind, -1 outside of all."""
        place = bisect_right(self._starts, byte) - 1
        while place >= 0 and (self.all[place].end <= byte or self.all[place].kind != kind):
            place = self._above[place]
        return place

    def span_of(self, byte: int) -> tuple[int, int] | None:
        """First and last byte of the function around a byte; None outside of all."""
        place = self.around(byte)
        return (self.all[place].start, self.all[place].end) if place >= 0 else None


def scopes_of(functions: Sequence[Node], classes: Sequence[Node]) -> Scopes:
    """The scopes of a file from the nodes that define them."""
    found = [(node, "class") for node in classes] + [(node, "function") for node in functions]
    found.sort(key=lambda item: (item[0].start_byte, -item[0].end_byte))
    scopes: list[Scope] = []
    open_: list[Scope] = []
    for node, kind in found:
        start, end = node.start_byte, node.end_byte
        while open_ and open_[-1].end <= start:
            open_.pop()
        own = _name_of(node) or "(nameless)"
        above = [one.name for one in open_ if one.kind == "class"][-1:]
        parameters = _parameters_of(node) if kind == "function" else ()
        name = ".".join([*above, own])
        scope = Scope(kind, name[-200:], node.start_point[0] + 1, node.end_point[0] + 1, start, end, parameters)
        scopes.append(scope)
        open_.append(scope)
    return Scopes(scopes)


def _name_of(node: Node) -> str:
    name = node.child_by_field_name("name")
    if name is None and node.type == "static_initializer":
        return "static"
    if name is None and node.type == "impl_item":
        name = node.child_by_field_name("type")
    if name is None:
        name = node.child_by_field_name("declarator")
        for _ in range(6):  # C: pointers and parameters around the name
            if name is None or name.type in _NAMES:
                break
            name = name.child_by_field_name("declarator") or next(
                (child for child in name.named_children if child.type in _NAMES or child.type.endswith("declarator")),
                None,
            )
    if name is None:
        name = next((child for child in node.named_children if child.type in _NAMES), None)
    return text_of(name).replace("::", ".")[-120:] if name is not None else ""


def _parameters_of(node: Node) -> tuple[str, ...]:
    """The names of the parameters of a function, in order; empty text for one that is not understood."""
    listed = node.child_by_field_name("parameters")
    if listed is None and node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        listed = value.child_by_field_name("parameters") if value is not None else None
    declarator = node.child_by_field_name("declarator")
    for _ in range(6):
        if listed is not None or declarator is None:
            break
        listed, declarator = declarator.child_by_field_name("parameters"), declarator.child_by_field_name("declarator")
    if listed is None:
        listed = next((child for child in node.named_children if child.type == "function_value_parameters"), None)
    if listed is None:
        return ()
    return tuple(_parameter(child) for child in listed.named_children if child.type != "comment")[:20]


def _parameter(node: Node) -> str:
    if node.type in ("identifier", "simple_identifier"):
        return text_of(node)
    name = (
        node.child_by_field_name("name")
        or node.child_by_field_name("pattern")
        or node.child_by_field_name("declarator")
    )
    for _ in range(4):
        if name is None or name.type in _NAMES:
            break
        name = name.child_by_field_name("declarator") or next(
            (c for c in name.named_children if c.type in _NAMES), None
        )
    if name is None:
        name = next((child for child in node.named_children if child.type in _NAMES), None)
    return text_of(name) if name is not None else ""
