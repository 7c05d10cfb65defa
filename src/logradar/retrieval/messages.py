"""Messages: what the expression that a log call is given says, as patterns with holes.

The expressions of all languages are read by one function: literals, what is put between them, concatenation, formats,
names that stand for text in the same file, and both sides of a choice. Nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final

from logradar.retrieval.patterns import ANY, HOLES, cleaned
from logradar.retrieval.placeholders import braces, dollars, percent, unescaped

Node = Any  # of tree-sitter
MOST: Final = 4  # patterns of one statement
_DEEPEST: Final = 12
_OPERANDS: Final = 200  # of one concatenation
STRINGS: Final = frozenset(
    [
        "string",
        "string_literal",
        "interpreted_string_literal",
        "raw_string_literal",
        "template_string",
        "verbatim_string_literal",
        "interpolated_string_expression",
        "line_string_literal",
        "multi_line_string_literal",
        "multiline_string_literal",
        "text_block",
        "char_literal",
        "character_literal",
        "rune_literal",
    ]
)
_TEXT: Final = re.compile(r".*(?:content|fragment)$|string_text")
_HOLE: Final = re.compile(
    r".*(?:interpolation|substitution|interpolated_identifier|interpolated_expression|directive)$"
)
_WRAPPERS: Final = frozenset(
    [
        "parenthesized_expression",
        "argument",
        "expression_list",
        "expression_statement",
        "value_argument",
        "as_expression",
        "non_null_expression",
        "cast_expression",
        "lambda_literal",
        "annotated_lambda",
        "lambda_expression",
        "arrow_function",
        "variable_list",
        "statements",
        "preproc_arg",
        "type_assertion",
        "await_expression",
        "reference_expression",
    ]
)
_CHOICES: Final = frozenset(("ternary_expression", "conditional_expression", "if_expression"))
_SUMS: Final = frozenset(("binary_expression", "binary_operator", "additive_expression", "infix_expression"))
_CALLS: Final = frozenset(
    (
        "call",
        "call_expression",
        "method_invocation",
        "invocation_expression",
        "object_creation_expression",
        "macro_invocation",
    )
)
_NAMES: Final = frozenset(
    (
        "identifier",
        "simple_identifier",
        "field_access",
        "attribute",
        "member_expression",
        "member_access_expression",
        "selector_expression",
        "scoped_identifier",
        "qualified_identifier",
        "field_expression",
        "navigation_expression",
    )
)
_NUMBERS: Final = frozenset(
    ("decimal_integer_literal", "integer", "number", "int_literal", "integer_literal", "number_literal")
)
_FORMATS: Final = re.compile(
    r"(?:.*\.)?(?:[fF]ormat|Sprintf|sprintf|formatted|format_args|fmt|lformat|f)!?|std::format|fmt::format"
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_WRITTEN: Final = re.compile(r"[0-9]+|true|false")
_CAPITALS: Final = re.compile(r"(?:^|\W)[A-Z][A-Z0-9_]{2,}$")
_LITERAL_C: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SCALA_FORMAT: Final = re.compile(ANY + r"%[-+#0 ]*[0-9.]*[a-zA-Z]")
_F_STRING: Final = re.compile(r"[rR]?[fF][rR]?[\"']")
_BUILDERS: Final = re.compile(r"String(?:Builder|Buffer)")


def text_of(node: Node) -> str:
    """The source text of a node."""
    return node.text.decode("utf-8", "replace") if node is not None else ""


class Messages:
    """Evaluates expressions of one file.

    ``value_of`` gives the node that a name stands for at a node, and whether it was appended to; ``constant_of`` the
    text of a constant of another file. Both give None where they do not know.
    """

    def __init__(
        self,
        language: str,
        value_of: Callable[[str, Node], tuple[Node, bool] | None],
        constant_of: Callable[[str], str | None] = lambda name: None,
    ) -> None:
        self.language, self._value_of, self._constant_of = language, value_of, constant_of

    def patterns(self, node: Node) -> list[str]:
        """The texts that an expression may have, at most `MOST`; an unknown one is a hole."""
        found = list(dict.fromkeys(self._of(node, 0)))[:MOST]
        return found or [ANY]

    def constant(self, node: Node) -> str | None:
        """The text that a name in capitals always has, None for all else."""
        name = text_of(node)[:200]
        if node.type not in _NAMES or not _CAPITALS.search(name):
            return None
        found = self._named(name, node, 0)
        return found[0] if len(found) == 1 and _LETTER.search(found[0]) and not HOLES.search(found[0]) else None

    def _of(self, node: Node, depth: int) -> list[str]:
        kind = node.type
        if depth > _DEEPEST:
            return [ANY]
        if self.language == "scala" and kind == "field_expression":
            node = _without_margin(node)
            kind = node.type
        if self.language == "scala" and kind == "interpolated_string_expression":
            return [_interpolated(node)]
        if kind in STRINGS:
            return [self._string(node, depth)]
        if kind in ("concatenated_string", "string_concatenation"):
            return self._joined(
                [self._of(child, depth + 1) for child in node.named_children if child.type != "comment"]
            )
        if kind in _SUMS:
            return self._sum(node, depth)
        if kind in _CHOICES:
            return self._choice(node, depth)
        if kind in _CALLS:
            return self._call(node, depth)
        if kind in _NUMBERS or kind in ("true", "false"):
            text = text_of(node)
            return [text if _WRITTEN.fullmatch(text) else ANY]  # 500_000 and 10L are written otherwise
        if kind == "preproc_arg":
            return self._macro(text_of(node))
        if kind in _WRAPPERS:
            inner = [
                child
                for child in node.named_children
                if child.type not in ("comment", "formal_parameters", "lambda_parameters")
            ]
            return self._of(inner[-1], depth + 1) if inner else [ANY]
        if kind in _NAMES:
            return self._named(text_of(node), node, depth)
        return [ANY]

    def _named(self, name: str, node: Node, depth: int) -> list[str]:
        """What a name stands for: in the file, else a constant of another file."""
        found = self._value_of(name, node)
        if found is None:
            constant = self._constant_of(name)
            return [ANY if constant is None else constant]
        texts = self._of(found[0], depth + 3)
        return [text + ANY for text in texts] if found[1] else texts

    def _string(self, node: Node, depth: int) -> str:
        """A literal: its text, and a hole for what is put into it."""
        whole = text_of(node)
        raw = node.type.startswith(("raw", "verbatim")) or re.match(r"[bBuUfF]*[rR]|@|\$@|R\"", whole) is not None
        children = node.named_children
        if not children:
            return self._literal(
                re.sub(r"^[A-Za-z@$#]*(\"\"\"|'''|[\"'`])(.*?)\1?[#]*$", r"\2", whole, flags=re.DOTALL), raw
            )
        pieces = []
        for child in children:
            kind = child.type
            if kind == "escape_sequence":
                pieces.append(unescaped(text_of(child)))
            elif _TEXT.match(kind):
                pieces.append(self._literal(text_of(child), raw))
            elif _HOLE.match(kind):
                pieces.append(self._inside(child, depth))
        text = "".join(pieces)
        if self.language == "python" and _F_STRING.match(whole):
            text = text.replace("{{", "{").replace("}}", "}")
        return dollars(text) if self.language == "kotlin" else text  # the grammar divides $name

    def _inside(self, node: Node, depth: int) -> str:
        """What is put into a literal; a constant of the file is known, and a format makes any text of it."""
        inner = [child for child in node.named_children if child.type != "comment"]
        if len(inner) == 1 and inner[0].type in ("identifier", "simple_identifier") and text_of(inner[0]).isupper():
            found = self._of(inner[0], depth + 3)
            return found[0] if len(found) == 1 else ANY
        return ANY

    @staticmethod
    def _literal(text: str, raw: bool) -> str:
        return cleaned(text if raw else unescaped(text))

    def _macro(self, text: str) -> list[str]:
        """The body of ``#define NAME "…" OTHER "…"``: what is no literal is a hole."""
        parts = _LITERAL_C.split(text.strip())
        pieces = [
            cleaned(unescaped(part)) if place % 2 else (ANY if part.strip() else "") for place, part in enumerate(parts)
        ]
        return ["".join(pieces)]

    def _sum(self, node: Node, depth: int) -> list[str]:
        """A concatenation, whose left side may be one again, a format of Python, or a stream of C++."""
        operator = node.child_by_field_name("operator")
        sign = text_of(operator) if operator is not None else "+" if node.type == "additive_expression" else ""
        if sign == "%" and self.language == "python":
            left = node.child_by_field_name("left")
            return [percent(text) for text in self._of(left, depth + 1)] if left is not None else [ANY]
        if sign not in ("+", "<<", ".."):
            return [ANY]
        operands: list[Node] = []
        while node.type in _SUMS and len(operands) < _OPERANDS:
            operator = node.child_by_field_name("operator")
            if operator is not None and text_of(operator) != sign:
                break
            sides = [child for child in node.named_children if child.type not in ("comment", "operator_identifier")]
            if len(sides) != 2:
                break
            operands.append(sides[1])
            node = sides[0]
        operands.append(node)
        return self._joined([self._of(one, depth + 1) for one in reversed(operands)])

    @staticmethod
    def _joined(parts: list[list[str]]) -> list[str]:
        """All ways to join one alternative of each part; where they are too many, those parts are holes."""
        count = 1
        for part in parts:
            count *= len(part)
        if count > MOST:
            parts = [part if len(part) == 1 else [ANY] for part in parts]
        return ["".join(pieces) for pieces in product(*parts)]

    def _choice(self, node: Node, depth: int) -> list[str]:
        sides = [node.child_by_field_name("consequence"), node.child_by_field_name("alternative")]
        if None in sides:
            inner = [child for child in node.named_children if child.type != "comment"]
            if len(inner) != 3:
                return [ANY]
            sides = [inner[0], inner[2]] if self.language == "python" else [inner[1], inner[2]]
        return [text for side in sides for text in self._of(side, depth + 1)][:MOST]

    def _call(self, node: Node, depth: int) -> list[str]:
        receiver, name = callee(node)
        arguments = arguments_of(node)
        if node.type == "object_creation_expression":
            if _BUILDERS.fullmatch(text_of(node.child_by_field_name("type"))):
                first = self._of(arguments[0], depth + 1) if arguments else [""]
                return (
                    ["" if HOLES.fullmatch(text) and arguments[0].type in _NUMBERS else text for text in first]
                    if arguments
                    else [""]
                )
            return [ANY]
        if name == "append" and receiver is not None and len(arguments) == 1:
            return self._joined([self._of(receiver, depth + 1), self._of(arguments[0], depth + 1)])
        if name in ("toString", "trimMargin", "trimIndent", "strip", "trim") and receiver is not None and not arguments:
            return self._of(receiver, depth + 1)
        if name == "concat" and receiver is not None and len(arguments) == 1:
            return self._joined([self._of(receiver, depth + 1), self._of(arguments[0], depth + 1)])
        if not _FORMATS.fullmatch(name):
            return [ANY]
        own = name == "format" and self.language in ("python", "kotlin", "scala")
        if name == "formatted" or (own and receiver is not None):
            texts = self._of(receiver, depth + 1) if receiver is not None else [ANY]
            return [braces(text, True) if self.language == "python" else percent(text) for text in texts]
        for argument in arguments[:2]:  # a locale may come first
            texts = self._of(argument, depth + 1)
            if any(HOLES.sub("", text).strip() for text in texts):
                brace = self.language in ("csharp", "rust", "cpp") or "MessageFormat" in text_of(receiver)
                return [braces(text, True) if brace else percent(text) for text in texts]
        return [ANY]


def _without_margin(node: Node) -> Node:
    """``text.stripMargin`` of Scala is its text."""
    value = node.child_by_field_name("value")
    if value is not None and value.type in STRINGS and text_of(node.child_by_field_name("field")) == "stripMargin":
        return value
    return node


def _interpolated(node: Node) -> str:
    """A literal of Scala such as ``s"took $time ms"`` or ``f"$share%.1f"``: its grammar has no nodes for the text."""
    inner = node.named_children[-1]
    source, first = inner.text, inner.start_byte
    begin, pieces = first, []
    for child in inner.named_children:
        if child.type == "interpolation":
            pieces += [source[begin - first : child.start_byte - first], ANY.encode()]
            begin = child.end_byte
    text = b"".join([*pieces, source[begin - first :]]).decode("utf-8", "replace")
    text = re.sub(r"^(\"{3}|\")(.*?)\1?$", r"\2", text, flags=re.DOTALL)
    if text_of(node.named_children[0]) == "f":
        text = _SCALA_FORMAT.sub(ANY, text)
    return ANY.join(cleaned(unescaped(part)).replace("$$", "$") for part in text.split(ANY))


def callee(node: Node) -> tuple[Node | None, str]:
    """What a call is made on (None for nothing), and the name of the function."""
    if node.type == "method_invocation":
        return node.child_by_field_name("object"), text_of(node.child_by_field_name("name"))
    function = node.child_by_field_name("function") or node.child_by_field_name("macro")
    if function is None:
        function = node.named_children[0] if node.named_children else None
    if function is None:
        return None, ""
    if function.type in ("identifier", "simple_identifier"):
        return None, text_of(function)
    if function.type in ("scoped_identifier", "qualified_identifier"):
        return None, text_of(function)
    inner = function.named_children
    if len(inner) >= 2:
        return inner[0], text_of(inner[-1])
    return None, text_of(function)[-100:]


_ARGUMENT_LISTS: Final = (
    "arguments",
    "argument_list",
    "value_arguments",
    "token_tree",
    "call_suffix",
    "annotated_lambda",
)


def arguments_of(node: Node) -> list[Node]:
    """The arguments of a call, without comments and the names of keywords."""
    return [child for child in _arguments(node) if child.type not in ("comment", "line_comment", "block_comment")]


def _arguments(node: Node) -> Iterator[Node]:
    listed = node.child_by_field_name("arguments")
    lists = (
        [listed] if listed is not None else [child for child in node.named_children if child.type in _ARGUMENT_LISTS]
    )
    for one in lists:
        if one.type in ("annotated_lambda", "template_string"):
            yield one
            continue
        for child in one.named_children:
            if child.type in _ARGUMENT_LISTS and child.type != "token_tree":
                yield from child.named_children
            else:
                yield child
