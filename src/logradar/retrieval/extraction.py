"""Extraction: the log statements, functions and calls of one source file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from logradar.retrieval.constants import Constants
from logradar.retrieval.grammars import Reader
from logradar.retrieval.logging_calls import (
    LoggingCall,
    last_name,
    level_of_argument,
    logger_names,
    logging_call,
    may_wrap,
)
from logradar.retrieval.messages import STRINGS, Messages, Node, arguments_of, callee, text_of
from logradar.retrieval.patterns import ANY, HOLES, tidy
from logradar.retrieval.placeholders import braces, percent
from logradar.retrieval.scopes import Scope, Scopes, scopes_of
from logradar.retrieval.source_values import SourceValues

_JAVASCRIPT: Final = ("javascript", "typescript")
_LISTED: Final = ("go", "python", *_JAVASCRIPT)
_LONGEST_STREAM: Final = 200
_ARGUMENTS: Final = 5  # that are looked at for a message
_LETTER: Final = re.compile(r"[^\W\d_]")
_SPEC: Final = re.compile(r"%[-+#0 ]*[0-9.*]*[a-zA-Z(]")
_TO_FILE: Final = re.compile(r"F[Pp]rint")  # of Go: what is written to is the first argument
_GLUED: Final = re.compile(r"(?:Print|Fatal|Panic)")  # of Go: no blank beside a text
_TAG: Final = re.compile(r"[\w.:/-]+")
_PRINTLN: Final = re.compile(r"(?:println|Println|Print|print|log|puts|.*ln)$")


@dataclass(frozen=True)
class Statement:
    """A log statement: ``patterns`` are what it may write; ``scope`` is the number of the function around it, or -1.

    ``line`` is that of the call's name, the statement goes from ``first_line`` to ``last_line``. ``level`` is a
    SeverityNumber, None where it is not known. ``plain``: it prints to a stream and is no logger's.
    """

    first_line: int
    line: int
    last_line: int
    level: int | None
    logger: str
    patterns: tuple[str, ...]
    scope: int
    plain: bool = False


@dataclass(frozen=True)
class Wrapper:
    """A function that hands one of its parameters on to a logger as the message."""

    name: str
    level: int | None


@dataclass
class FileFacts:
    """What was found in one file; ``calls`` are (name, line, number of the calling function or -1)."""

    language: str
    lines: int
    broken: bool
    statements: list[Statement] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    wrappers: list[Wrapper] = field(default_factory=list)


class Extraction:
    """One file that is being read."""

    def __init__(self, reader: Reader, source: bytes, wrappers: Mapping[str, Wrapper], constants: Constants) -> None:
        from tree_sitter import QueryCursor

        self._reader, self._source = reader, source
        self.language = reader.grammar.name if reader.grammar.name != "tsx" else "typescript"
        self._wrappers = wrappers
        self._tree = reader.parser.parse(source)
        captures = QueryCursor(reader.names).captures(self._tree.root_node)
        self._names: list[Node] = sorted(captures.get("name", []), key=_start)
        self._streams: list[Node] = sorted(captures.get("stream", []), key=_start)
        self.scopes: Scopes = scopes_of(captures.get("function", []), captures.get("class", []))
        values = SourceValues(self._values, self.scopes.span_of)
        self._messages = Messages(self.language, values.value_of, constants.of)
        self._loggers: Collection[str] = logger_names(source.decode("utf-8", "replace"))

    def facts(self) -> FileFacts:
        """All that is to be known of the file."""
        root = self._tree.root_node
        found = FileFacts(self.language, self._source.count(b"\n") + 1, bool(root.has_error), scopes=self.scopes.all)
        for node in self._names:
            name = text_of(node)[-120:]
            scope = self.scopes.around(node.start_byte)
            found.calls.append((name.rpartition("::")[2], node.start_point[0] + 1, scope))
            self._look(node, name, scope, found)
        for node in self._streams:
            self._stream(node, found)
        return found

    def _values(self) -> list[tuple[Node, Node]]:
        """Names and their values in the file, in order."""
        from tree_sitter import QueryCursor

        found = []
        for _, captured in QueryCursor(self._reader.values).matches(self._tree.root_node):
            if captured.get("name") and captured.get("value"):
                found.append((captured["name"][0], captured["value"][0]))
            elif captured.get("name") and captured["name"][0].next_named_sibling is not None:
                found.append((captured["name"][0], captured["name"][0].next_named_sibling))
        return sorted(found, key=lambda pair: pair[1].start_byte)

    def _look(self, node: Node, name: str, scope: int, found: FileFacts) -> None:
        wrapper = self._wrappers.get(name)
        call = _call_around(node, self._reader.grammar.calls)
        if call is None:
            return
        receiver, _ = callee(call) if node.parent is not call else (None, name)
        if node.parent is call or self.language == "java":
            receiver = call.child_by_field_name("object") if self.language == "java" else None
        owner = text_of(receiver)[-400:] if receiver is not None else ""
        logs = logging_call(self.language, owner, name, self._loggers)
        if logs is None and wrapper is None:
            return
        if logs is None and wrapper is not None:
            logs = LoggingCall(wrapper.level, last_name(owner))
        assert logs is not None
        self._statement(call, node, name, logs, scope, wrapper, found)

    def _statement(
        self,
        call: Node,
        node: Node,
        name: str,
        logs: LoggingCall,
        scope: int,
        wrapper: Wrapper | None,
        found: FileFacts,
    ) -> None:
        arguments = arguments_of(call)
        if self.language == "rust":
            arguments = _of_macro(arguments)
        level = logs.level
        if level is None:
            level = next(
                (known for one in arguments[:3] if (known := level_of_argument(text_of(one)[:80])) is not None), None
            )
        if level is None and self.language in ("c", "cpp"):
            level, call = _reported(call)
        patterns = self._written(arguments, name)
        if not patterns:
            self._perhaps_wrapper(arguments, level, scope, found)
            return
        if (
            wrapper is None
            and self.language in ("c", "cpp")
            and not any(len(_LETTER.findall(one)) > 3 for one in patterns)
        ):
            return
        first, last = call.start_point[0] + 1, call.end_point[0] + 1
        line = node.start_point[0] + 1
        found.statements.append(Statement(first, line, last, level, logs.logger, patterns, scope, logs.plain))

    def _written(self, arguments: list[Node], name: str) -> tuple[str, ...]:
        """The patterns of the first argument that says something; empty where none does."""
        for place, argument in enumerate(arguments[:_ARGUMENTS]):
            texts = self._messages.patterns(argument)
            rest = arguments[place + 1 :]
            if not any(_LETTER.search(HOLES.sub("", text)) for text in texts):
                filled = [self._with_constants(self._filled(text, name, len(rest)), rest) for text in texts]
                if argument.type in STRINGS and any(_LETTER.search(HOLES.sub("", text)) for text in filled):
                    return tuple(dict.fromkeys(map(tidy, filled)))  # "{}={}" of a constant
                continue
            if self._is_tag(texts, rest):
                continue
            if name == "Log" and self.language == "go" and rest and argument.type in STRINGS:
                return self._of_pairs(arguments[place:])
            if self.language == "go" and _GLUED.fullmatch(name):
                texts = self._listed(texts, arguments[:place], rest, "")
            elif self.language in _LISTED and _PRINTLN.fullmatch(name):
                texts = self._listed(texts, [] if _TO_FILE.match(name) else arguments[:place], rest)
            elif self.language in _JAVASCRIPT and len(arguments) > 1 and arguments[0].type != "object":
                texts = [*texts, *self._listed(texts, arguments[:place], rest)]  # npm's logger; winston's, the first
            filled = [self._with_constants(self._filled(text, name, len(rest)), rest) for text in texts]
            return tuple(dict.fromkeys(map(tidy, filled)))
        return ()

    def _is_tag(self, texts: list[str], rest: list[Node]) -> bool:
        """Whether a message of more than one word follows: ``Debug("http", "no answer of %s", host)`` of C."""
        if self.language not in ("c", "cpp") or not rest or not all(map(_TAG.fullmatch, texts)):
            return False
        return rest[0].type in STRINGS and any(" " in text for text in self._messages.patterns(rest[0]))

    def _of_pairs(self, arguments: list[Node]) -> tuple[str, ...]:
        """What go-kit's logger writes, which is given keys and values in turn: the value of ``msg``, else all pairs."""
        keys = [self._messages.patterns(one)[0] for one in arguments[::2]]
        if "msg" in keys and len(arguments) > 2 * keys.index("msg") + 1:
            return tuple(map(tidy, self._messages.patterns(arguments[2 * keys.index("msg") + 1])))
        return (tidy(" ".join(f"{key}={ANY}" for key in keys)),)

    def _listed(self, texts: list[str], before: list[Node], rest: list[Node], between: str = " ") -> list[str]:
        """Arguments that are written one after the other, with a blank between them."""
        if any(_SPEC.search(text) for text in texts):
            return texts
        words = [ANY] * len(before)
        after: list[str] = []
        filling = 0  # arguments that stand in the places of the one before: "using", "npm@%s", version
        for one in rest:
            if one.type == "keyword_argument" or filling > 0:
                filling -= 1
                continue
            after.append(self._messages.patterns(one)[0])
            filling = len(_SPEC.findall(after[-1])) if self.language in _JAVASCRIPT else 0
        return [between.join([*words, text, *after]) for text in texts]

    def _filled(self, text: str, name: str, rest: int) -> str:
        """The text with its placeholders as holes, as the language and the function have them."""
        if self.language == "rust":
            return braces(text, doubled=True)
        if self.language in ("c", "cpp"):
            return (
                percent(text) if self.language == "c" or _SPEC.search(text) or not rest else braces(text, doubled=True)
            )
        if self.language == "go":
            return percent(text) if name.lower().endswith("f") or (rest and _SPEC.search(text)) else text
        if not rest:
            return text
        if self.language in ("java", "kotlin", "scala"):
            formats = name.endswith("f") and _SPEC.search(text) and "{" not in text
            return percent(text) if formats else braces(text)
        if self.language == "csharp":
            return braces(text, doubled=True)
        return percent(text) if _SPEC.search(text) else braces(text)

    def _with_constants(self, text: str, values: list[Node]) -> str:
        """Holes that are given a constant of the code hold its text: ``log.info("{}={}", NAME, value)``."""
        holes = HOLES.findall(text)
        if len(holes) != len(values):
            return text
        known = [self._messages.constant(one) for one in values]
        if not any(known):
            return text
        pieces = zip(
            HOLES.split(text), [*(one or hole for one, hole in zip(known, holes, strict=True)), ""], strict=True
        )
        return "".join(part for pair in pieces for part in pair)

    def _perhaps_wrapper(self, arguments: list[Node], level: int | None, scope: int, found: FileFacts) -> None:
        """Remember the function around the call, where one of its parameters is what is logged."""
        if scope < 0:
            return
        own = self.scopes.all[scope]
        for argument in arguments[:_ARGUMENTS]:
            name = text_of(argument)[:80].lstrip("*&.")
            if name in own.parameters and name:
                short = own.name.rpartition(".")[2]
                if may_wrap(short):
                    found.wrappers.append(Wrapper(short, level))
                return

    def _stream(self, node: Node, found: FileFacts) -> None:
        """``LOG(INFO) << "a" << b`` of C++: all that is put into a stream that logs."""
        text = text_of(node)[:120]
        match = re.match(r"(?:[A-Za-z_]*LOG[A-Za-z_]*|BOOST_LOG_TRIVIAL|DLOG|VLOG|CHECK\w*)\s*\(\s*(\w*)", text)
        if match is None and text not in ("std::cerr", "std::cout", "std::clog", "cerr", "cout", "clog"):
            return
        whole = node
        for _ in range(_LONGEST_STREAM):  # each step up begins at the root of the tree
            if whole.parent is None or whole.parent.type != "binary_expression":
                break
            whole = whole.parent
        texts = [one.lstrip(ANY) for one in self._messages.patterns(whole)]
        patterns = tuple(tidy(one) for one in texts if _LETTER.search(HOLES.sub("", one)))
        if patterns:
            level = level_of_argument(match[1].upper()) if match else None
            place = node.start_point[0] + 1
            scope = self.scopes.around(node.start_byte)
            last = whole.end_point[0] + 1
            found.statements.append(Statement(place, place, last, level, "", patterns, scope, match is None))


def _start(node: Node) -> int:
    return int(node.start_byte)


def _call_around(name: Node, kinds: Collection[str]) -> Node | None:
    """The call whose function a name is."""
    node: Any = name.parent
    for _ in range(4):
        if node is None or node.type in kinds:
            return node
        node = node.parent
    return None


def _of_macro(arguments: list[Node]) -> list[Node]:
    """The arguments of a macro of Rust that are texts and no values of named fields."""
    return [
        one
        for one in arguments
        if one.type in ("string_literal", "raw_string_literal") and text_of(one.prev_sibling) not in ("=", ":")
    ] + [one for one in arguments if one.type in ("identifier", "scoped_identifier")]


def _reported(call: Node) -> tuple[int | None, Node]:
    """``ereport(ERROR, (errmsg("…")))``: the level that a call around names, and that call; else the call itself."""
    node = call.parent
    for _ in range(8):
        if node is None:
            break
        if node.type == "call_expression":
            texts = (text_of(one)[:80] for one in arguments_of(node)[:2])
            level = next((known for text in texts if (known := level_of_argument(text)) is not None), None)
            return level, call if level is None else node
        node = node.parent
    return None, call


def extract(
    reader: Reader, source: bytes, wrappers: Mapping[str, Wrapper] | None = None, constants: Constants | None = None
) -> FileFacts:
    """The statements, functions and calls in the bytes of a file; with ``wrappers``, calls of these log too.

    ``constants`` are those of other files.
    """
    return Extraction(reader, source, wrappers or {}, constants or Constants()).facts()
