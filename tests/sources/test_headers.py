"""Every known header: recognised from a few lines, and read into the right fields."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import polars as pl
import pytest

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.opening.formats import Format
from logradar.sources.opening.header_table import objects, wrapped
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records

LATEST = datetime(2026, 11, 21, tzinfo=UTC)
EXAMPLES = [(header.name, sample) for header in HEADERS.values() for sample in header.samples]
OBJECTS = [("json", sample) for sample in objects.SAMPLES]
WRAPPED = list(zip(("docker+level", "cri+level", "compose+logback"), wrapped.SAMPLES, strict=True))
PLAIN = ["just some words", "x", "user 7 logged in at 2024-05-03 10:00:00", "key=value", "a=1 b=2", "10 bottles"]


def read(lines: list[str], form: Format) -> pl.DataFrame:
    records = Records(form, "test", Quarantine(), ReadLimits(), LATEST)
    return pl.concat(list(records.of([Block(pl.Series("text", lines), 1)])))


@pytest.mark.parametrize(
    ("name", "sample"), [*EXAMPLES, *OBJECTS, *WRAPPED], ids=lambda one: getattr(one, "title", str(one))
)
def test_known_format(name, sample):
    lines = sample.line.split("\n") * 5  # an entry may have two lines
    form = Format.detect(lines)
    assert form.name == name
    row = read(lines, form).row(4, named=True)
    time = row["timestamp"].replace(tzinfo=None) if row["timestamp"] else None
    assert time == (datetime.fromisoformat(sample.time) if sample.time else None)
    assert row["body"] == sample.message
    assert (row["level"], row["component"], row["service"]) == (sample.level, sample.component, sample.service)


def test_every_header_has_an_example():
    assert set(HEADERS) - {name for name, _ in EXAMPLES} == {"syslog_bare"}
    assert len({sample.title for _, sample in [*EXAMPLES, *OBJECTS, *WRAPPED]}) > 150


@pytest.mark.parametrize("line", PLAIN)
def test_plain_text_has_no_header(line):
    assert Format.detect([line] * 5).name == "text"
    assert read([line] * 5, Format.detect([line] * 5))["body"].to_list() == [line] * 5


def test_formats_that_have_only_a_time_in_common_keep_what_they_tell():
    ours = [f"2024-05-03 10:00:{n % 60:02},123 WARNING shop.cart: order {n}" for n in range(40)]
    theirs = [f"May  3 11:00:{n % 60:02} host app[7]: order {n}" for n in range(60)]
    form = Format.detect(ours + theirs)
    assert form.name == "python_name,syslog"
    rows = read(ours + theirs, form)
    assert rows["level"].to_list() == [13] * 40 + [None] * 60
    assert set(rows["component"][40:]) == {"app"}
    assert rows["timestamp"].null_count() == 0


def test_services_come_from_the_header():
    assert read(["Jun 14 15:16:01 combo sshd(pam_unix)[19939]: x"], Format.named("syslog"))["service"][0] == "sshd"
    line = "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-1 - -] GET"
    assert read([line], Format.detect([line]))["service"][0] == "nova-api"


HOSTILE = [
    part * 1_000 for part in ("[", "a:", "=", "a ", "(a", "[a] ", "a.b/", "{", "- ", "a=b ", "0", "/", "a/", "x")
]


@pytest.mark.parametrize("line", [sample.line for _, sample in EXAMPLES][::2])
def test_hostile_lines_take_no_time(line):
    """Python's engine goes back and forth: no header may need more than a moment for a line that nearly fits."""
    began = time.monotonic()
    for tail in HOSTILE:
        for cut in [0, *(place + 1 for place, letter in enumerate(line) if letter in " [:")]:
            Format.detect([line[:cut] + tail])
    assert time.monotonic() - began < 10
