"""Whatever a source file or a line holds, it is read in little time and without an error."""

from __future__ import annotations

import random
import time
from pathlib import PurePosixPath

import pytest
from tests.retrieval.samples import SAMPLES

from logradar.retrieval.extraction import extract
from logradar.retrieval.grammars import reader_of
from logradar.retrieval.guide import Guide
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker
from logradar.retrieval.locations import own_locations
from logradar.retrieval.logging_calls import logger_names

pytest.importorskip("tree_sitter")


def mutated(source: bytes, chance: random.Random) -> bytes:
    """Pieces of a source file in another order, cut, repeated, and with bytes that are none of text."""
    for _ in range(chance.randint(1, 6)):
        a, b = sorted(chance.randrange(len(source) + 1) for _ in range(2))
        source = chance.choice(
            [source[:a], source[a:], source[:a] + source[b:], source[:b] + source[a:b] * 7 + source[b:],
             source[:a] + chance.randbytes(3) + source[a:], source[:a] + b"\xff\x00(\"'`{%" + source[b:]]
        ) or b"x"  # fmt: skip
    return source


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_damaged_source_code_is_read(name):
    chance = random.Random(name)
    reader = reader_of(PurePosixPath(name).suffix)
    for _ in range(60):
        source = mutated(SAMPLES[name][0].encode(), chance)
        facts = extract(reader, source)
        assert all(one.first_line <= one.line <= facts.lines and one.patterns for one in facts.statements)
        assert all(-1 <= scope < len(facts.scopes) for _, _, scope in facts.calls)


def test_any_line_is_explained(tmp_path):
    for name, (source, _) in SAMPLES.items():
        (tmp_path / name).write_text(source)
    guide = Guide(Linker(index_code(tmp_path)[0]))
    chance = random.Random(7)
    words = [
        "took",
        "5",
        "ms",
        "for",
        "\x00",
        "\x01",
        "a.py:9",
        "[x]",
        "=",
        ":",
        "at A.f(A.java:5)",
        "\n",
        "\ud800",
        "é",
        "%s",
        "a" * 3_000,
    ]
    for _ in range(400):
        body = " ".join(chance.choice(words) for _ in range(chance.randint(0, 12)))
        found = guide.explain(
            body,
            chance.choice([None, 9, 17]),
            chance.choice([None, "", "a.b[C@3", "/"]),
            chance.choice([None, "a", "("]),
        )
        assert found["place"] is None or found["place"]["path"] in SAMPLES


@pytest.mark.parametrize(
    "text",
    ["a" * 395 + ":1", "a." * 195 + ":1", "a/" * 195 + ":1", "a.py" * 95 + ":1", "[" * 395 + "@1"]
    + [part * 80 + "!pay.py:9" for part in ("9AB:", "A1:", "[a", "a=b:", "( ", "A ")],
)
def test_places_are_looked_for_in_little_time(text):
    began = time.process_time()
    own_locations(text)
    assert time.process_time() - began < 0.5


def test_loggers_are_looked_for_in_little_time():
    began = time.process_time()
    logger_names("getLogger " * 200_000)
    assert time.process_time() - began < 3
