"""Grammars: the languages that are read, one row each, with what calls, functions and classes are called in it.

The grammars are packages of their own (tree-sitter); one that is not installed leaves its language out.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from logradar.core.errors import ConfigError

MISSING: Final = "Reading source code needs tree-sitter and its grammars: pip install 'logradar[code]'"


@dataclass(frozen=True)
class Grammar:
    """A language: its files, its package, and the node types that matter.

    ``names`` is a query whose captures ``name`` are the names of called functions, ``function`` and ``class`` what
    encloses them. ``calls`` are the types of whole calls, ``values`` is a query for names with a ``value``.
    """

    name: str
    suffixes: tuple[str, ...]
    package: str
    names: str
    values: str
    calls: tuple[str, ...]
    entry: str = "language"


_JAVASCRIPT: Final = """
(call_expression function: (identifier) @name)
(call_expression function: (member_expression property: (property_identifier) @name))
(function_declaration) @function (function_expression) @function (method_definition) @function
(generator_function_declaration) @function
(variable_declarator value: (arrow_function)) @function
(class_declaration) @class
"""
_JAVASCRIPT_VALUES: Final = """
(variable_declarator name: (identifier) @name value: (_) @value)
(assignment_expression left: (_) @name right: (_) @value)
(augmented_assignment_expression left: (_) @name right: (_) @value)
(public_field_definition name: (_) @name value: (_) @value)
"""
_C: Final = """
(call_expression function: (identifier) @name)
(call_expression function: (field_expression field: (field_identifier) @name))
(function_definition) @function
"""
_C_VALUES: Final = """
(init_declarator declarator: (_) @name value: (_) @value)
(assignment_expression left: (identifier) @name right: (_) @value)
(preproc_def name: (identifier) @name value: (preproc_arg) @value)
"""
_CPP: Final = """
(call_expression function: (qualified_identifier) @name)
(binary_expression left: (call_expression function: (identifier)) @stream)
(binary_expression left: (qualified_identifier) @stream)
(binary_expression left: (identifier) @stream)
(class_specifier) @class (struct_specifier body: (_)) @class
"""
_CALL: Final = ("call_expression",)

GRAMMARS: Final = (
    Grammar(
        "python",
        (".py", ".pyi"),
        "tree_sitter_python",
        """
(call function: (identifier) @name)
(call function: (attribute attribute: (identifier) @name))
(function_definition) @function (class_definition) @class
""",
        "(assignment left: (_) @name right: (_) @value)"
        " (augmented_assignment left: (_) @name right: (_) @value)"
        " (named_expression name: (_) @name value: (_) @value)",
        ("call",),
    ),
    Grammar(
        "java",
        (".java",),
        "tree_sitter_java",
        """
(method_invocation name: (identifier) @name)
(method_declaration) @function (constructor_declaration) @function (static_initializer) @function
(class_declaration) @class (interface_declaration) @class (enum_declaration) @class (record_declaration) @class
""",
        """
(variable_declarator name: (identifier) @name value: (_) @value)
(assignment_expression left: (_) @name right: (_) @value)
""",
        ("method_invocation",),
    ),
    Grammar(
        "kotlin",
        (".kt", ".kts"),
        "tree_sitter_kotlin",
        """
(call_expression (identifier) @name)
(call_expression (navigation_expression (identifier) @name .))
(function_declaration) @function (class_declaration) @class (object_declaration) @class
""",
        "(property_declaration (variable_declaration (identifier) @name) (_) @value .)",
        _CALL,
    ),
    Grammar(
        "scala",
        (".scala", ".sc"),
        "tree_sitter_scala",
        """
(call_expression function: (identifier) @name)
(call_expression function: (field_expression field: (identifier) @name))
(function_definition) @function
(class_definition) @class (object_definition) @class (trait_definition) @class
""",
        "(val_definition pattern: (identifier) @name value: (_) @value)"
        " (var_definition pattern: (identifier) @name value: (_) @value)"
        " (assignment_expression left: (_) @name right: (_) @value)",
        _CALL,
    ),
    Grammar(
        "go",
        (".go",),
        "tree_sitter_go",
        """
(call_expression function: (identifier) @name)
(call_expression function: (selector_expression field: (field_identifier) @name))
(function_declaration) @function (method_declaration) @function
(type_spec type: (struct_type)) @class
""",
        """
(const_spec name: (identifier) @name value: (_) @value)
(var_spec name: (identifier) @name value: (_) @value)
(short_var_declaration left: (_) @name right: (_) @value)
(assignment_statement left: (_) @name right: (_) @value)
""",
        _CALL,
    ),
    Grammar("javascript", (".js", ".jsx", ".mjs", ".cjs"), "tree_sitter_javascript", _JAVASCRIPT, "", _CALL),
    Grammar(
        "typescript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript",
        _JAVASCRIPT,
        _JAVASCRIPT_VALUES,
        _CALL,
        "language_typescript",
    ),
    Grammar("tsx", (".tsx",), "tree_sitter_typescript", _JAVASCRIPT, _JAVASCRIPT_VALUES, _CALL, "language_tsx"),
    Grammar("c", (".c", ".h"), "tree_sitter_c", _C, _C_VALUES, _CALL),
    Grammar(
        "cpp", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".inl"), "tree_sitter_cpp", _C + _CPP, _C_VALUES, _CALL
    ),
    Grammar(
        "csharp",
        (".cs",),
        "tree_sitter_c_sharp",
        """
(invocation_expression function: (identifier) @name)
(invocation_expression function: (member_access_expression name: (identifier) @name))
(method_declaration) @function (constructor_declaration) @function (local_function_statement) @function
(class_declaration) @class (struct_declaration) @class (interface_declaration) @class (record_declaration) @class
""",
        "(variable_declarator name: (identifier) @name (_) @value .) "
        "(assignment_expression left: (_) @name right: (_) @value)",
        ("invocation_expression",),
    ),
    Grammar(
        "rust",
        (".rs",),
        "tree_sitter_rust",
        """
(macro_invocation macro: (identifier) @name)
(macro_invocation macro: (scoped_identifier name: (identifier) @name))
(call_expression function: (identifier) @name)
(call_expression function: (field_expression field: (field_identifier) @name))
(call_expression function: (scoped_identifier name: (identifier) @name))
(function_item) @function (impl_item) @class (struct_item) @class (trait_item) @class (enum_item) @class
""",
        "(const_item name: (identifier) @name value: (_) @value)"
        " (static_item name: (identifier) @name value: (_) @value)"
        " (let_declaration pattern: (identifier) @name value: (_) @value)",
        ("macro_invocation", "call_expression"),
    ),
)
LANGUAGES: Final = tuple(grammar.name for grammar in GRAMMARS)


@dataclass(frozen=True)
class Reader:
    """A grammar that is loaded: ``parser`` reads bytes, the two queries find names and values."""

    grammar: Grammar
    parser: Any
    names: Any
    values: Any


@cache
def reader_of(suffix: str) -> Reader | None:
    """The reader for files that end so; None where there is no grammar, or it is not installed.

    Raises `ConfigError` where tree-sitter itself is missing.
    """
    grammar = next((one for one in GRAMMARS if suffix.lower() in one.suffixes), None)
    if grammar is None:
        return None
    try:
        from tree_sitter import Language, Parser, Query
    except ModuleNotFoundError:
        raise ConfigError(MISSING) from None
    try:
        package = importlib.import_module(grammar.package)
    except ModuleNotFoundError:
        return None
    language = Language(getattr(package, grammar.entry)())
    values = grammar.values or _JAVASCRIPT_VALUES.partition("(public_field")[0]
    return Reader(grammar, Parser(language), Query(language, grammar.names), Query(language, values))


def known_suffix(suffix: str) -> bool:
    """Whether files that end so hold source code of a language in the table."""
    return any(suffix.lower() in grammar.suffixes for grammar in GRAMMARS)
