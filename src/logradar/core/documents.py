"""JSON documents of a bundle: bounded in size and depth, and read as typed models, so that no value is trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

LARGEST: Final = 256 << 20  # bytes of a document
DEEPEST: Final = 32  # levels of lists and objects; what LogRadar writes has less than ten
# What reading a damaged file may raise; whoever reads files of a bundle turns these into one sentence.
UNREADABLE: Final = (OSError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError, pa.ArrowException)
_LINE: Final = 500  # characters of a message that others quote
M = TypeVar("M", bound="Saved")


class Saved(BaseModel):
    """Base of the small states that files of a bundle hold: nothing is converted, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @classmethod
    def of(cls: type[M], values: object, where: str) -> M:
        """From plain values; `ValueError` with one sentence for the first that is not as it must be."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = ".".join([where, *map(str, first["loc"])])
            message = first["msg"].removeprefix("Value error, ")
            raise ValueError(f"'{path}': {message[0].lower()}{message[1:]}") from None


def read_object(path: Path, finite: bool = True) -> dict[str, Any]:
    """As `read_document`, of a JSON object."""
    value = read_document(path, finite)
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is no JSON object")
    return value


def reason_of(error: BaseException) -> str:
    """The message of an error in one line of bounded length, without a full stop, to be put into a sentence."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return (" ".join(text.split())[:_LINE] or type(error).__name__).removesuffix(".")


def read_document(path: Path, finite: bool = True) -> Any:
    """The JSON in ``path``; without ``finite`` NaN and infinities are read too, as figures for people may be.

    Raises `OSError`, or `ValueError` where it is too large, nested too deeply or no JSON.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path.name} has {size:,} bytes, and no document of a bundle has more than {LARGEST:,}")
    return parsed(path.read_bytes(), path.name, finite)


def parsed(raw: bytes, name: str, finite: bool = True) -> Any:
    """As `read_document`, of bytes; ``name`` is that of the file, for the error."""
    try:
        value = orjson.loads(raw) if finite else json.loads(raw)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    except ValueError as error:
        deep = "depth limit" in str(error)  # of orjson
        raise ValueError(f"{name} is nested too deeply" if deep else f"{name} is not JSON: {error}") from None
    if depth_of(value) > DEEPEST:
        raise ValueError(f"{name} is nested too deeply")
    return value


def depth_of(value: object) -> int:
    """Levels of lists and objects in plain values, counted up to one more than `DEEPEST`.

    >>> depth_of(3), depth_of([1, {"a": []}])
    (0, 3)
    """
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        below: list[object] = []
        for one in level:
            if isinstance(one, Mapping):
                below.extend(one.values())
            elif isinstance(one, list | tuple):
                below.extend(one)
        depth += any(isinstance(one, Mapping | list | tuple) for one in level)
        level = [one for one in below if isinstance(one, Mapping | list | tuple)]
    return depth
