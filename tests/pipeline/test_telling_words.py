"""Faults that hid in templates: a message with one other word is an alert, a session with other ids is none."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from logradar.model.bundle import Bundle
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.prepare import prepare
from logradar.pipeline.train import train
from logradar.scoring.stream import Stream
from logradar.scoring.thresholds import plan_threshold
from logradar.storage.records import reading


def bundle_of(source: Path, folder: Path, key: str | None = None) -> Bundle:
    given = {"input.session_key": key} if key else {}
    train(str(source), folder / "bundle", run_settings(given=given))
    return Bundle.load(folder / "bundle")


def alerts_of(folder: Path, source: Path) -> list[str]:
    found = detect(folder / "bundle", str(source))
    return sorted(found.alerts["session_id"].to_pylist())


def streamed(bundle: Bundle, source: Path, size: int) -> list[str]:
    """Session ids of the alerts where records arrive ``size`` at a time."""
    stream = Stream(bundle, plan_threshold(bundle), early=False)
    found: list[str] = []
    with reading(str(source), bundle.settings.input) as corpus:
        for table in corpus.scan(["record_id"]):
            records = corpus.lines(table["record_id"].to_pylist())
            for start in range(0, len(records), size):
                found += stream.step(records.slice(start, size)).alerts["session_id"].to_pylist()
    return sorted(found + stream.close().alerts["session_id"].to_pylist())


@pytest.mark.parametrize(
    ("case", "alerts", "templates", "key"),
    [
        ("01", 0, None, None),
        ("29", 3, 4, None),
        ("31", 0, 5, ": ([0-9A-F]{10}): "),
        ("35", 0, 5, None),
    ],
)
def test_a_case(case, alerts, templates, key, cases_dir, tmp_path):
    (folder,) = cases_dir.glob(f"{case}-*")
    for name in ("train", "new"):
        (source,) = folder.glob(f"{name}.*")
        data = lzma.decompress(source.read_bytes()) if source.suffix == ".xz" else source.read_bytes()
        (tmp_path / (source.name.removesuffix(".xz"))).write_bytes(data)
    (learnt,), (new,) = tmp_path.glob("train.*"), tmp_path.glob("new.*")
    bundle = bundle_of(learnt, tmp_path, key)
    if templates:
        assert bundle.miner.templates().num_rows == templates
    found = alerts_of(tmp_path, new)
    assert len(found) == alerts
    assert streamed(bundle, new, 97) == found


STEPS = {
    "job": ["job accepted by scheduler", "input opened on node 4", "rows written", "index rebuilt", "job finished"],
    "word": ["order received", "stock reserved", "card charged", "parcel sent"],
    "one word": ["VM Created", "VM Started", "VM Paused", "VM Resumed", "VM Stopped"],
}


def made(folder: Path, name: str, steps: list[str], ids: list[str], head: str, form: str, day: int) -> Path:
    """A log in which each id goes through ``steps``, as text lines or JSON lines."""
    lines = []
    for number, id_ in enumerate(ids):
        for place, step in enumerate(steps):
            at = f"2024-05-{day:02}T{10 + number // 60:02}:{number % 60:02}:{place * 7:02}"
            message = f"{head.format(id_)} {step}"
            if form == "json":
                lines.append(json.dumps({"time": at + "Z", "level": "info", "msg": message}))
            else:
                lines.append(f"{at.replace('T', ' ')},123 INFO {message}")
    file = folder / f"{name}.{'jsonl' if form == 'json' else 'log'}"
    file.write_text("\n".join(lines) + "\n")
    return file


def base36(random_: random.Random, size: int) -> str:
    return "".join(random_.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=size))


KINDS: dict[str, Any] = {
    "letter and digits": lambda r: f"J{r.randrange(10**8, 10**9)}",
    "letter and few digits": lambda r: f"Q{r.randrange(10, 10**5)}",
    "hexadecimal": lambda r: f"{r.randrange(16**10):010X}",
    "any digits": lambda r: f"{r.randrange(16**16):016x}",
    "letters and digits": lambda r: base36(r, 12),
    "letters": lambda r: "".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=10)),
    "ulid": lambda r: "01" + "".join(r.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("steps", "head", "form"),
    [
        ("job", "etl jobId={}", "json"),
        pytest.param("word", "[shop] request={}", "text", marks=pytest.mark.slow),
        ("one word", "trace={}:", "text"),
    ],
)
def test_ids_of_any_kind_are_no_news_and_one_other_word_is(kind, steps, head, form, tmp_path):
    random_ = random.Random(kind)
    words = STEPS[steps]
    learnt = made(tmp_path, "train", words, [KINDS[kind](random_) for _ in range(250)], head, form, 3)
    fresh = [KINDS[kind](random_) for _ in range(60)]
    usual = made(tmp_path, "usual", words, fresh, head, form, 4)
    bundle = bundle_of(learnt, tmp_path)
    assert bundle.miner.templates().num_rows == len(words)
    assert alerts_of(tmp_path, usual) == []
    broken = [*words[:-2], words[-2].rsplit(" ", 1)[0] + " refused", words[-1]]
    one = made(tmp_path, "one", broken, fresh[:1], head, form, 4)
    mixed = tmp_path / f"mixed{usual.suffix}"
    mixed.write_text(one.read_text() + "\n".join(usual.read_text().splitlines()[len(words) :]) + "\n")
    assert alerts_of(tmp_path, mixed) == [fresh[0]]
    assert streamed(bundle, mixed, 61) == [fresh[0]]


def test_a_prepared_folder_gives_the_same_templates(tmp_path):
    random_ = random.Random(5)
    ids = [KINDS["letter and few digits"](random_) for _ in range(120)]
    learnt = made(tmp_path, "train", STEPS["job"], ids, "etl jobId={}", "json", 3)
    direct = bundle_of(learnt, tmp_path)
    prepare(str(learnt), tmp_path / "prepared", run_settings())
    (tmp_path / "again").mkdir()
    prepared = bundle_of(tmp_path / "prepared", tmp_path / "again")
    assert prepared.miner.templates()["template"].to_pylist() == direct.miner.templates()["template"].to_pylist()
