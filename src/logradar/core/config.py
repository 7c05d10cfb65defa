"""Typed settings: a YAML file plus ``key.sub=value`` overrides, with all mistakes reported at once.

Each setting is a field of a `Config` class in the module that it configures. An unknown key is an error that
names the nearest known key. The resolved settings are saved with every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from logradar.core.errors import ConfigError, did_you_mean

C = TypeVar("C", bound="Config")
_SUGGESTED: Final = 8  # paths that an error message suggests at most


class Config(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def known_paths(cls, values: Mapping[str, Any]) -> Iterator[str]:
        """The paths of all settings at any depth, for error messages; ``values`` are those that were given."""
        for name, field in cls.model_fields.items():
            yield name
            for kind in (field.annotation, *get_args(field.annotation)):
                if isinstance(kind, type) and issubclass(kind, Config):
                    yield from (f"{name}.{path}" for path in kind.known_paths({}))


def load_config(
    cls: type[C],
    file: Path | None = None,
    overrides: Iterable[str] = (),
    given: Mapping[str, Any] = MappingProxyType({}),
) -> C:
    """Settings of class ``cls`` from a YAML file (optional) and ``key.sub=value`` overrides.

    Override values are YAML (``true``, ``3``, ``[a, b]``, text). ``given`` are values by path
    (``{"input.labels": path}``) that take precedence over both. Raises a `ConfigError` that lists every
    mistake with its path.
    """
    values = _read(file) if file else {}
    faults = []
    for override in overrides:
        path, equals, text = override.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            faults.append(f"'{override}' is not of the form key.sub=value")
            continue
        try:
            value = yaml.safe_load(text)
        except RecursionError:
            faults.append(f"'{path.strip()}' is nested too deeply")
            continue
        except yaml.YAMLError:
            value = text
        put(values, keys, value)
    for path, value in _by_path(given):
        put(values, path.split("."), value)
    return _validated(cls, values, faults, file)


def validated(cls: type[C], values: Mapping[str, Any], where: str = "") -> C:
    """Settings of class ``cls`` from plain values; raises `ConfigError` as `load_config` does."""
    return _validated(cls, dict(values), [], None, where)


def kept(cls: type[C], values: Mapping[str, Any], where: str = "") -> C:
    """As `validated`, of settings that a bundle keeps: `ValueError`, for there it is no mistake of the user."""
    try:
        return _validated(cls, dict(values), [], None, where)
    except ConfigError as error:
        raise ValueError(str(error).removesuffix(".")) from None


def changed(settings: C, given: Mapping[str, Any], where: str) -> C:
    """``settings`` with the values that are ``given`` by path, checked as those of a command line are.

    Every path begins with ``where``, the name of these settings: ``{"input.labels": path}`` for ``where="input"``.
    Raises `ConfigError` that lists every fault with its path.
    """
    values, faults = settings.model_dump(), []
    for path, value in _by_path(given):
        room, _, below = path.partition(".")
        if room == where and below:
            put(values, below.split("."), value)
        else:
            known = [f"{where}.{name}" for name in type(settings).model_fields]
            faults.append(f"'{path}' is not a setting of '{where}', {did_you_mean(path, known)}")
    return _validated(type(settings), values, faults, None, where)


def _validated(cls: type[C], values: dict[str, Any], faults: list[str], file: Path | None, where: str = "") -> C:
    try:
        config = cls.model_validate(values)
    except ValidationError as error:
        faults += [sentence for item in error.errors() for sentence in _sentences(cls, item, where, values)]
    if faults:
        of = f" in '{file}'" if file else ""
        count = "One setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        raise ConfigError(f"{count} wrong{of}: " + _closed("; ".join(faults)))
    return config


def _closed(sentence: str) -> str:
    """A sentence with its last mark; one that ends in a question has it."""
    return sentence if sentence.endswith((".", "?")) else sentence + "."


def _by_path(given: object) -> list[tuple[str, Any]]:
    """Values by path. Raises `ConfigError` for anything other than a mapping of texts to values."""
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise ConfigError(f"Settings are given as values by path, {{'input.labels': 'labels.csv'}}, not as a {kind}.")
    for path in given:
        if not isinstance(path, str):
            raise ConfigError(f"A setting is named by its path, such as 'input.labels'; {path!r} is no text.")
    return list(given.items())


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"The config file '{file}' does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config file '{file}' cannot be read: {error}.") from None
    try:
        values = yaml.safe_load(text)
    except RecursionError:
        raise ConfigError(f"The config file '{file}' is nested too deeply.") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        at = f" at line {place.line + 1}, column {place.column + 1}" if place else ""
        raise ConfigError(f"The config file '{file}' is not YAML{at}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"The config file '{file}' must hold keys and values, not a {type(values).__name__}.")
    return values


def put(values: dict[str, Any], keys: Sequence[str], value: object) -> None:
    """Set ``values[a][b][c]`` for the keys ``a, b, c``; dictionaries that are not there are made."""
    for key in keys[:-1]:
        below = values.setdefault(key, {})
        if not isinstance(below, dict):
            below = values[key] = {}
        values = below
    values[keys[-1]] = value


def _sentences(cls: type[Config], item: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> Iterator[str]:
    before = [where] * bool(where)
    path = ".".join([*before, *map(str, item["loc"])])
    if item["type"] == "extra_forbidden":
        known = [*cls.known_paths(values)]
        for keys in _leaves(list(map(str, item["loc"])), item["input"]):
            wrong = ".".join([*before, *keys])
            if right := _elsewhere(keys, known):
                names = " or ".join(f"'{'.'.join([*before, path])}'" for path in right)
                yield f"'{wrong}' is not known, did you mean {names}?"
            else:
                yield f"'{wrong}' is not known, {did_you_mean(str(item['loc'][-1]), _fields(cls, item['loc'][:-1]))}"
        return
    message = item["msg"].removeprefix("Value error, ")
    yield f"'{path}' is {item['input']!r}: {message[0].lower() + message[1:]}" if path else message


def _leaves(keys: list[str], value: object) -> Iterator[list[str]]:
    """The keys down to each value that was set below ``keys``."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves([*keys, str(key)], below)
    else:
        yield keys


def _elsewhere(keys: Sequence[str], known: Iterable[str]) -> list[str]:
    """The known paths that end as ``keys`` do, in as many words as possible; none where there are too many."""
    best, found = 1, list[str]()
    for path in known:
        words = path.split(".")
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(reversed(words), reversed(keys), strict=False))))
        if same > best:
            best, found = same, []
        if same == best:
            found.append(path)
    return found if len(found) <= _SUGGESTED else []


def _fields(cls: type[BaseModel], loc: Iterable[int | str]) -> list[str]:
    for part in loc:
        field = cls.model_fields.get(str(part))
        if field is None:
            continue
        inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
        cls = next((t for t in inner if issubclass(t, BaseModel)), cls)
    return list(cls.model_fields)
