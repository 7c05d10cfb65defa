"""Prepare texts: sessions of several inputs as words, with one tokenizer, for language models of any program."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field, field_validator

from logradar import __version__
from logradar.core.config import Config, load_config
from logradar.core.errors import DataError
from logradar.core.files import sha256_of, write_whole
from logradar.core.locks import claimed
from logradar.core.progress import say
from logradar.core.session_set import SessionTable
from logradar.core.session_view import SessionView
from logradar.core.tables import SESSIONS, texts_by_id
from logradar.detectors.text.normaliser import VALUE, NormaliserSettings, normalised
from logradar.detectors.text.texts import KnownTexts
from logradar.detectors.text.tokenizer import TextTokenizer
from logradar.evaluation.splits import PARTS, SplitSettings, chronological
from logradar.parsing.sessions import SessionSettings
from logradar.parsing.templates import ParsingSettings, TemplateMiner
from logradar.sources.opening.opening import InputSettings
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import anomalous, group, with_key_or_windows
from logradar.storage.records import collect, opening
from logradar.training.device import missing

MANIFEST: Final = "texts.json"
OURS: Final = ("drain3", "tokenizer", "datasets")
SEPARATOR: Final = " [SEP] "  # between the texts of a session
INPUTS: Final = frozenset({"template_ids", "texts"})
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MOST: Final = 20_000_000  # events of one input that are prepared in memory
_SHOWN: Final = 5  # examples in the figures


class TokenizerSettings(Config):
    """How texts are cut into tokens."""

    vocabulary: int = Field(4_000, ge=200, description="tokens at most")
    words: int = Field(40, ge=1, description="tokens of an event at most")
    normaliser: NormaliserSettings = NormaliserSettings()


class TextDataSettings(Config):
    """What is prepared as texts, and how: `logradar prepare --format texts`."""

    inputs: dict[str, str] = Field(min_length=1, description="INPUTs by the names that their files get")
    input: InputSettings = InputSettings()
    parsing: ParsingSettings = ParsingSettings()
    sessions: SessionSettings = SessionSettings()
    split: SplitSettings = SplitSettings(test=0.2, valid=0.1)
    tokenizer: TokenizerSettings = TokenizerSettings()

    @field_validator("inputs")
    @classmethod
    def _named(cls, inputs: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name in inputs if not _NAME.fullmatch(name)]:
            raise ValueError(f"'{wrong[0]}' is no name for files; use letters, digits, '_' and '-'")
        if "tokens" in inputs:
            raise ValueError("'tokens' is the name of a figure; choose another name for this input")
        if piped := [spec for spec in inputs.values() if spec == "-" or Path(spec).is_fifo()]:
            raise ValueError(f"'{piped[0]}' cannot be read twice; write the log to a file first")
        return inputs


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Sessions of one input: the texts of all events, and which part each session belongs to."""

    name: str
    miner: TemplateMiner
    sessions: pa.Table
    known: KnownTexts
    parts: Mapping[str, npt.NDArray[np.int64]]
    records: int
    preview: list[dict[str, str]]


def prepare_texts(folder: Path, settings: TextDataSettings) -> dict[str, Any]:
    """Write the sessions of all inputs to ``folder`` as texts and as tokens, and return figures about them.

    ``drain3/NAME`` gets the templates (mined of the normal sessions of training and validation), ``tokenizer`` a
    tokenizer that has learnt their texts, and ``datasets`` for every input and part ``NAME_PART.parquet`` with the
    columns ``session_id``, ``text``, ``input_ids``, ``label``, and ``NAME_hf``, the same as a folder of Hugging Face
    `datasets` where that is installed. Where nothing has changed since the last time, nothing is done.
    Raises `DataError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with claimed(folder, ".texts.lock", left=False):
        return _prepare(folder, settings)


def _prepare(folder: Path, settings: TextDataSettings) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="logradar-") as scratch:
        digest = _digest(settings)
        before = _before(folder, digest)
        if before is not None:
            say(f"'{folder}' holds these texts already: nothing has changed.")
            return before
        found = [_prepared(name, spec, settings, Path(scratch), folder) for name, spec in settings.inputs.items()]
    _forget_earlier(folder)
    for one in found:
        _write_templates(one, folder / "drain3" / one.name)
    s = settings.tokenizer
    texts = [text for one in found for text in one.known.texts]
    tokenizer = TextTokenizer.learn(texts, s.vocabulary, s.normaliser, s.words)
    (folder / "tokenizer").mkdir(exist_ok=True)
    tokenizer.save(folder / "tokenizer")
    figures: dict[str, Any] = {"tokens": len(tokenizer)}
    for one in found:
        figures[one.name] = _written(one, tokenizer, folder / "datasets")
    files = [path for path in folder.rglob("*") if path.is_file() and _of(path.relative_to(folder), settings.inputs)]
    sums = {str(path.relative_to(folder)): sha256_of(path) for path in sorted(files)}
    document = {"logradar": __version__, "digest": digest, "figures": figures, "sha256": sums}
    write_whole(folder / MANIFEST, json.dumps(document, indent=1) + "\n")
    return figures


def _of(path: Path, names: Iterable[str]) -> bool:
    """Whether a file below the folder is one that a run with inputs of these names writes."""
    room, *below = path.parts
    own = {name for name in names if below and (below[0] == name or below[0].startswith(f"{name}_"))}
    return bool(below) and (room == "tokenizer" or (room in OURS and bool(own)))


def _forget_earlier(folder: Path) -> None:
    """Remove what an earlier run wrote: its tokens are those of another tokenizer. Files of others stay."""
    try:
        names = [Path(name) for name in json.loads((folder / MANIFEST).read_text())["sha256"]]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in names:
        if not name.is_absolute() and ".." not in name.parts and name.parts[0] in OURS:
            (folder / name).unlink(missing_ok=True)


def _digest(settings: TextDataSettings) -> str:
    """What the outcome depends on: the settings, and the bytes of all files that are read."""
    found = hashlib.sha256(f"{__version__} {settings.model_dump_json()}".encode())
    for spec in settings.inputs.values():
        with opening(spec, settings.input) as (opened, _):
            for file in opened.files:
                found.update(sha256_of(file).encode())
    return found.hexdigest()


def _before(folder: Path, digest: str) -> dict[str, Any] | None:
    """The figures of an earlier run with the same outcome, if all of its files are still there."""
    try:
        document = json.loads((folder / MANIFEST).read_text())
        same = document["digest"] == digest
        whole = same and all(sha256_of(folder / name) == sha for name, sha in document["sha256"].items())
        return dict(document["figures"]) if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _prepared(name: str, spec: str, settings: TextDataSettings, scratch: Path, folder: Path) -> _Prepared:
    home = scratch / name
    home.mkdir()
    with opening(spec, settings.input, outputs=[folder]) as (opened, place):
        corpus = collect(opened, place)
        if corpus.records > _MOST:
            raise DataError(f"{name}: {corpus.records:,} records do not fit in memory as texts; give a part of them.")
        tables = group(corpus, with_key_or_windows(corpus, settings.sessions), home).tables()
        sessions = pa.concat_tables([SESSIONS.empty_table(), *tables]).unify_dictionaries()
        split = chronological(sessions, settings.split)
        anomalies = anomalous(sessions)
        learnt = np.concatenate([split.train, split.valid])
        learnt = learnt[~anomalies[learnt]]
        if not len(learnt):
            raise DataError(f"{name}: no session is normal in the training part; give normal logs.")
        miner = TemplateMiner(settings.parsing)
        learn_templates(corpus, miner, [SessionTable(sessions.take(pa.array(learnt)))], home)
        filled = fill(corpus, miner, SessionTable(sessions), home, INPUTS)
        assert isinstance(filled, SessionTable)
        preview = _preview(corpus.scan(["body"]), miner, settings.tokenizer.normaliser)
        records = corpus.records
    texts = texts_by_id(miner.templates())
    known = KnownTexts.of(np.array(list(texts), np.int32), texts)
    return _Prepared(name, miner, filled.table, known, {part: getattr(split, part) for part in PARTS}, records, preview)


def _write_templates(one: _Prepared, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    one.miner.save(folder)
    pq.write_table(one.miner.templates(), folder / "templates.parquet")


def _preview(bodies: Iterator[pa.Table], miner: TemplateMiner, settings: NormaliserSettings) -> list[dict[str, str]]:
    """Some lines as they were written, masked, and normalised."""
    first = next(bodies)["body"].slice(0, 1_000).combine_chunks()
    masked = miner.masked(first).to_list()
    distinct = list(dict.fromkeys(masked))[:_SHOWN]
    lines = [first[masked.index(text)].as_py() for text in distinct]
    return [
        {"line": line, "masked": text, "normalised": normalised(text, settings)}
        for line, text in zip(lines, distinct, strict=True)
    ]


def _written(one: _Prepared, tokenizer: TextTokenizer, folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    found = one.known.of_view(SessionView.of_table(one.sessions, INPUTS))
    encoded, marks = tokenizer.encode(found.texts), tokenizer.marks
    plain = [normalised(text or "", tokenizer.normaliser) for text in found.texts]
    rows = [[plain[number] for number in row.tolist()] for row in found.sequences]
    tokens = [
        [marks.begin, *(token for number in row.tolist() for token in (*encoded[number].tolist(), marks.end))]
        for row in found.sequences
    ]
    inverse = found.sequences.inverse
    texts = pa.array([SEPARATOR.join(row) for row in rows]).take(pa.array(inverse))
    ids = pa.array(tokens, pa.list_(pa.int32())).take(pa.array(inverse))
    table = pa.table(
        {
            "session_id": one.sessions["session_id"],
            "text": texts,
            "input_ids": ids,
            "label": one.sessions["label"].cast(pa.int8()),
        }
    )
    parts = {part: table.take(pa.array(index)) for part, index in one.parts.items()}
    for part, own in parts.items():
        pq.write_table(own, folder / f"{one.name}_{part}.parquet", compression="zstd")
    _hugging_face(parts, folder / f"{one.name}_hf")
    lengths = pc.list_value_length(table["input_ids"]).to_numpy()
    return {
        "records": one.records,
        "templates": len(one.known),
        "sessions": {
            part: {"all": len(own), "anomalous": int(pc.sum(own["label"]).as_py() or 0)} for part, own in parts.items()
        },
        "distinct_sessions": len(found.sequences),
        "tokens_of_a_session": {
            "median": float(np.median(lengths)),
            "p99": float(np.quantile(lengths, 0.99)),
            "longest": int(lengths.max(initial=0)),
        },
        "unknown_texts": len(found.texts) - found.known - 1,
        "values": sum(text.count(VALUE) for text in plain),
        "preview": one.preview,
    }


def _hugging_face(parts: Mapping[str, pa.Table], folder: Path) -> None:
    """The parts as a folder that `datasets.load_from_disk` reads."""
    if missing("datasets"):
        say("The package 'datasets' is not installed, so no folders for it are written: pip install 'logradar[text]'")
        return
    import datasets

    datasets.disable_progress_bars()
    made = {part: datasets.Dataset(datasets.table.InMemoryTable(table)) for part, table in parts.items()}
    datasets.DatasetDict(made).save_to_disk(str(folder))


def text_settings(
    file: Path | None, overrides: Iterable[str] | None, given: Mapping[str, Any], spec: str | None
) -> TextDataSettings:
    """Settings of a file, of ``key.sub=value`` overrides and of options; ``spec`` is one INPUT instead of all.

    Raises `ConfigError` that lists every fault.
    """
    named = {"inputs": {_name_of(spec): spec}} if spec else {}
    values = {path: value for path, value in given.items() if path != "input.path"}
    if named:
        values |= {f"inputs.{name}": spec for name in named["inputs"]}
    settings = load_config(TextDataSettings, file, overrides or (), values)
    return settings.model_copy(update=named) if named else settings


def _name_of(spec: str) -> str:
    """The name that files of an INPUT get: that of its file or folder, in plain letters."""
    stem = Path(spec).name.partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:64] or "input"
