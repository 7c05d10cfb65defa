"""Code explain: the act that says which code a line, or the lines of an alert, come from."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl
import pyarrow.parquet as pq

from logradar.core.documents import UNREADABLE, read_object, reason_of
from logradar.core.errors import ConfigError, InputError
from logradar.core.quarantine import Quarantine
from logradar.retrieval.assistant import Assistant
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.code_search import Meanings
from logradar.retrieval.guide import Guide
from logradar.retrieval.linker import Linker
from logradar.retrieval.sentence_model import SentenceModel, require_sentence_model
from logradar.sources.base import ReadLimits
from logradar.sources.opening.formats import Format
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records

_ID: Final = re.compile(r"[0-9a-f]{16}")
_MOST_LINES: Final = 1_000
_LONGEST: Final = 1 << 20  # characters of a line on stdin


@dataclass(frozen=True)
class Helpers:
    """What may help, all of it optional: the address and name of a language model, the folder of a sentence model."""

    model_url: str | None = None
    model: str = "default"
    sentences: Path | None = None

    def assistant(self) -> Assistant | None:
        """The language model; `ConfigError` for a wrong address."""
        return None if self.model_url is None else Assistant(self.model_url, self.model)

    def meanings(self) -> Meanings | None:
        """The sentence model, loaded when it is needed; `ConfigError` for a wrong folder."""
        folder = self.sentences
        if folder is None:
            return None
        require_sentence_model(folder)
        model = cache(lambda: SentenceModel(folder))
        return lambda texts: model()(texts)


def explain(code: Path, what: str, *, alerts: Path | None = None, helpers: Helpers = Helpers()) -> dict[str, Any]:
    """The document of ``code explain --json``: the lines of ``what``, each explained by the index in ``code``.

    ``what`` is the id of an alert in the file ``alerts``, a line, or ``-`` for stdin. Raises `InputError` for an alert
    that is not there and a file that cannot be read, `ConfigError` for wrong ``helpers``. With a language model each
    has ``words``; all else is the same with and without it.
    """
    assistant, meanings = helpers.assistant(), helpers.meanings()
    lines = _lines(what, alerts)
    guide = Guide(Linker(CodeIndex.load(code)), meanings)
    found = [_explained(guide, line) for line in lines]
    if assistant is not None:
        found = [{**one, "words": assistant.words(one).document()} for one in found]
    return {"what": what[:200], "explained": found}


def _explained(guide: Guide, line: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is known; a line as it stands, or else as a log would be read, without its header."""
    first = guide.explain(line["body"], line.get("level"), line.get("component"), line.get("service"))
    if first["place"] is not None or "level" in line:
        return first
    read = _record(line["body"])
    second = guide.explain(read["body"], read["level"], read["component"], read["service"])
    better = second["place"] is not None or (second["ties"] and not first["ties"])
    return {**second, "line": first["line"]} if better else first


def _record(text: str) -> dict[str, Any]:
    """The first record of a text, with its message, level and component."""
    lines = text.split("\n")[:_MOST_LINES]
    records = Records(Format.detect(lines), "line", Quarantine(), ReadLimits())
    for frame in records.of([Block(pl.Series("text", lines, pl.String), 1)]):
        if len(frame):
            return frame.row(0, named=True)
    return {"body": text, "level": None, "component": None, "service": None}


def _lines(what: str, alerts: Path | None) -> list[Mapping[str, Any]]:
    if what == "-":
        text = sys.stdin.read(_LONGEST).strip("\n")
        if not text.strip():
            raise InputError("There is nothing on standard input; give it a log line.")
        return [{"body": text}]
    if not _ID.fullmatch(what):
        if not what.strip():
            raise InputError("The line is empty; give the text of a log line, or the id of an alert.")
        return [{"body": what}]
    if alerts is None:
        raise ConfigError(f"'{what}' is the id of an alert; name the file it is in: --alerts alerts.json.")
    for row in _alerts(alerts):
        if row.get("alert_id") == what:
            evidence = row.get("evidence")
            rows = {one.get("record_id"): one for one in evidence or () if isinstance(one, dict) and one.get("body")}
            if not rows:
                raise InputError(f"The alert '{what}' has no line that could be explained.")
            return list(rows.values())
    raise InputError(
        f"'{alerts}' has no alert '{what}'; `logradar detect … -o {alerts}` writes the alerts of an input."
    )


def _alerts(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            rows: Any = pq.read_table(path, columns=["alert_id", "evidence"]).to_pylist()
        else:
            rows = read_object(path, finite=False).get("alerts")
    except (*UNREADABLE, orjson.JSONDecodeError) as error:
        raise InputError(f"The alerts in '{path}' cannot be read ({reason_of(error)}).") from None
    if not isinstance(rows, list):
        raise InputError(
            f"'{path}' has no list of alerts; `logradar detect BUNDLE INPUT -o {path.stem}.json` writes one."
        )
    return [row for row in rows if isinstance(row, dict)]
