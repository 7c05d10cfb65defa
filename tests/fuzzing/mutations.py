"""Mutations of a bundle: one value of one file is changed, and the bundle is sealed again, as an enemy would do it.

A mutation is named by a file and a number, and is the same whenever that file is the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.bundle import MANIFEST, SEAL

Path_ = tuple[Any, ...]
DEEP: Final = 100_000


def files_of(bundle: Path) -> list[str]:
    """The files that are mutated: all JSON and Parquet, the manifest too."""
    found = (path for path in bundle.rglob("*") if path.suffix in (".json", ".parquet"))
    return sorted(path.relative_to(bundle).as_posix() for path in found)


def mutated(bundle: Path, file: str, number: int, place: Path) -> str:
    """Write ``bundle`` to ``place`` with mutation ``number`` of ``file``, sealed; says what was changed."""
    shutil.rmtree(place, ignore_errors=True)
    for path in bundle.rglob("*"):
        target = place / path.relative_to(bundle)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif path.relative_to(bundle).as_posix() != file and path.name != MANIFEST:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    rng = random.Random(f"{file} {number}")
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    del manifest[SEAL]
    if file == MANIFEST:
        raw, what = _json(rng, manifest)
        (place / MANIFEST).write_bytes(_sealed(raw))
        return what
    raw, what = (
        _json(rng, json.loads((bundle / file).read_bytes())) if file.endswith(".json") else _parquet(rng, bundle / file)
    )
    (place / file).write_bytes(raw)
    manifest["files"][file] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    (place / MANIFEST).write_bytes(_sealed(json.dumps(manifest, indent=2, ensure_ascii=False).encode()))
    return what


def reseal(bundle: Path) -> None:
    """Write checksums and seal of a bundle anew, for the files that are there."""
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    del manifest[SEAL]
    for name in manifest["files"]:
        raw = (bundle / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    (bundle / MANIFEST).write_bytes(_sealed(json.dumps(manifest, indent=2, ensure_ascii=False).encode()))


def _sealed(text: bytes) -> bytes:
    """The text of a manifest with its seal; what does not end as an object does is left as it is."""
    if not text.endswith(b"\n}"):
        return text
    text = text.removesuffix(b"\n}")
    return text + f',\n  "{SEAL}": "{hashlib.sha256(text).hexdigest()}"\n}}\n'.encode()


def _json(rng: random.Random, value: Any) -> tuple[bytes, str]:
    if rng.random() < 0.04:  # the document as a whole
        text = json.dumps(value, indent=2).encode()
        wholes: dict[str, bytes] = {
            "deep lists": b"[" * DEEP + b"]" * DEEP,
            "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
            "a number": b"3",
            "null": b"null",
            "a text": b'"value"',
            "a list": b"[1, 2]",
            "an empty object": b"{}",
            "empty": b"",
            "cut": text[: len(text) // 2],
            "not UTF-8": b'{"\xff\xfe": 1}',
        }
        name = rng.choice(sorted(wholes))
        return wholes[name], f"the document is {name}"
    if rng.random() < 0.03 and isinstance(value, dict) and value:
        path = rng.choice([*_paths(value)])
        marked = _put(value, path, "@@@@")
        deep = rng.choice([b"[" * DEEP + b"]" * DEEP, b'{"a":' * 500 + b"1" + b"}" * 500])
        return json.dumps(marked, indent=2).encode().replace(b'"@@@@"', deep), f"{_name(path)} is deep"
    path = rng.choice([*_paths(value)])
    old = _get(value, path)
    if rng.random() < 0.05 and path:
        return json.dumps(_without(value, path), indent=2).encode(), f"{_name(path)} is missing"
    new = _other(rng, old)
    raw = json.dumps(_put(value, path, new), indent=2).encode()
    return raw, f"{_name(path)} is {_short(new)}, not {_short(old)}"


def _paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths(below, (*path, key))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _paths(below, (*path, place))


def _get(value: Any, path: Path_) -> Any:
    for key in path:
        value = value[key]
    return value


def _put(value: Any, path: Path_, new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return {k: _put(v, tuple(rest), new) if k == key else v for k, v in value.items()}
    return [_put(v, tuple(rest), new) if k == key else v for k, v in enumerate(value)]


def _without(value: Any, path: Path_) -> Any:
    above = _get(value, path[:-1])
    if isinstance(above, dict):
        return _put(value, path[:-1], {k: v for k, v in above.items() if k != path[-1]})
    return _put(value, path[:-1], [v for k, v in enumerate(above) if k != path[-1]])


def _other(rng: random.Random, old: Any) -> Any:
    """Another value in place of ``old``: of the same kind, or of another one."""
    if rng.random() < 0.12:
        return rng.choice([None, "text", "", [], {}, True, -1, 0, 1.5, [[]], {"a": None}, float("nan"), 2**70, [old]])
    if isinstance(old, bool):
        return rng.choice([not old, not old, int(old), str(old), None])
    if isinstance(old, int | float):
        return _number(rng, old)
    if isinstance(old, str):
        return rng.choice(
            [
                "",
                old + "x",
                old[:-1],
                old.upper(),
                "<*>",
                "../../../etc/passwd",
                "\x00",
                "é\u202e",
                "length",
                "(",
                "x" * 5000,
            ]
        )
    if isinstance(old, list):
        shuffled = rng.sample(old, len(old))
        return rng.choice(
            [
                [],
                old[::-1],
                shuffled,
                old[:-1],
                old[1:],
                old + old[:1],
                old + old,
                [*old, None],
                [-5, *old],
                [-5],
                dict(enumerate(old)),
            ]
        )
    if isinstance(old, dict):
        keys = list(old)
        key = rng.choice(keys) if keys else "a"
        return rng.choice(
            [
                {},
                {k: v for k, v in old.items() if k != key},
                {**old, "more": 1},
                {(k + "x" if k == key else k): v for k, v in old.items()},
                dict(reversed(old.items())),
                list(old),
                list(old.values()),
            ]
        )
    return rng.choice([0, 1, -1, 1e300, "text", [], {}, True])


def _number(rng: random.Random, old: float) -> Any:
    others: list[Any] = [-old, old + 1, old - 1, old * 2, old / 2, old * 10, old * 1e6, old * 1e-6, old * 1000]
    others += [
        0,
        -1,
        1,
        -5,
        2**31 - 1,
        2**31,
        -(2**31),
        2**32,
        2**63 - 1,
        2**63,
        2**64,
        1e9,
        1e300,
        1e308,
        -1e308,
        5e-324,
    ]
    others += [float("nan"), float("inf"), float("-inf"), str(old), None]
    new = rng.choice(others)
    keep = isinstance(old, int) and isinstance(new, float) and np.isfinite(new) and rng.random() < 0.7
    return int(new) if keep else new


def _parquet(rng: random.Random, path: Path) -> tuple[bytes, str]:
    raw = path.read_bytes()
    if rng.random() < 0.05:
        damaged = bytearray(raw)
        for _ in range(rng.choice([1, 1, 3, 20])):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        return bytes(damaged), "some bits are flipped"
    if rng.random() < 0.02:
        return rng.choice([b"", raw[: len(raw) // 2], b"PAR1" + raw, b"PAR1" * 2]), "the file is cut, or is none"
    table = pq.read_table(path)
    table, what = _table(rng, table)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=rng.choice(["zstd", "snappy", "none"]))
    return sink.getvalue().to_pybytes(), what


def _table(rng: random.Random, table: pa.Table) -> tuple[pa.Table, str]:
    names, rows = table.column_names, len(table)
    shape = rng.random()
    if not names or shape < 0.15:
        changes: dict[str, Callable[[], pa.Table]] = {
            "no rows": lambda: table.slice(0, 0),
            "no columns": lambda: table.select([]),
            "rows in reverse": lambda: table.take(pa.array(np.arange(rows)[::-1].copy())),
            "rows in another order": lambda: table.take(pa.array(rng.sample(range(rows), rows), pa.int64())),
            "every row twice": lambda: pa.concat_tables([table, table]),
            "the first row twice": lambda: pa.concat_tables([table.slice(0, 1), table]),
            "without the first row": lambda: table.slice(1),
            "without the last row": lambda: table.slice(0, max(rows - 1, 0)),
            "another name": lambda: table.rename_columns([*names[:-1], names[-1] + "x"]),
            "one column less": lambda: table.drop_columns([rng.choice(names)]),
            "one column more": lambda: table.append_column("more", pa.array(np.zeros(rows))),
            "columns in reverse": lambda: table.select(names[::-1]),
            "a column twice": lambda: table.append_column(names[0], table[0]),
            "no metadata": lambda: table.replace_schema_metadata(None),
            "other metadata": lambda: table.replace_schema_metadata(
                {
                    k: rng.choice([b"-5", b"0", b"x", b"9" * 30, b"1" + v])
                    for k, v in (table.schema.metadata or {}).items()
                }
            ),
        }
        name = rng.choice(sorted(changes))
        return (changes[name]() if names else table), name
    place = rng.randrange(len(names))
    kind = table[place].type
    if pa.types.is_timestamp(kind):  # times are mutated as the numbers that they are stored as
        table = table.set_column(place, names[place], table[place].cast(pa.int64()))
    changed, what = _column(rng, table, place, shape)
    if pa.types.is_timestamp(kind) and changed[place].type == pa.int64():
        changed = changed.set_column(place, names[place], changed[place].cast(kind))
    return changed, what


def _column(rng: random.Random, table: pa.Table, place: int, shape: float) -> tuple[pa.Table, str]:
    """Another type for a column, or other values in it."""
    names, rows = table.column_names, len(table)
    values = table[place].to_pylist()
    if shape < 0.25:  # another type
        kind = rng.choice(
            [pa.string(), pa.float32(), pa.float64(), pa.int8(), pa.int64(), pa.bool_(), pa.list_(pa.int64())]
        )
        filler = pa.nulls(rows, kind) if rng.random() < 0.3 else _forced(values, kind)
        return table.set_column(place, names[place], filler), f"'{names[place]}' holds {kind}"
    if not rows:
        return table, "nothing"
    row = rng.randrange(rows) if rng.random() < 0.6 else rng.choice([0, rows - 1])
    old = values[row]
    new = _cell(rng, old)
    every = rng.random() < 0.1
    values = [new] * rows if every else [*values[:row], new, *values[row + 1 :]]
    what = f"'{names[place]}' is {_short(new)}, not {_short(old)}, in {'all rows' if every else f'row {row}'}"
    return table.set_column(place, names[place], _typed(values, table[place].type)), what


def _cell(rng: random.Random, old: Any) -> Any:
    if isinstance(old, list):
        if not old or rng.random() < 0.4:
            return rng.choice([[], old[::-1], old[:-1], old + old, [*old, *old[:1]], None, old * 50])
        place = rng.randrange(len(old))
        return [*old[:place], _cell(rng, old[place]), *old[place + 1 :]]
    if isinstance(old, str):
        return rng.choice(["", "<*>", old + " x", old[:-1], "x" * 100_000, "<*> <*> <*>", "\x00", None])
    if rng.random() < 0.05:
        return None
    new = _number(rng, old if old is not None else 0)
    return None if isinstance(new, str) else new


def _typed(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Values as a column of that type, or of the type that they need."""
    for wanted in (kind, pa.float64(), pa.list_(pa.float64()), None):
        try:
            return pa.array(values, wanted)
        except (pa.ArrowException, OverflowError, ValueError):
            continue
    return pa.array([str(value) for value in values])


def _forced(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        if pa.types.is_string(kind):
            return pa.array([str(value) for value in values])
        if pa.types.is_list(kind):
            return pa.array([value if isinstance(value, list) else [7] for value in values], kind)
        return pa.array([value if isinstance(value, int | float) else 1 for value in values]).cast(kind, safe=False)
    except (pa.ArrowException, OverflowError, ValueError):
        return pa.nulls(len(values), kind)


def _name(path: Path_) -> str:
    return "'" + ".".join(map(str, path)) + "'"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
