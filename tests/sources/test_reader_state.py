"""A reader whose state is saved as JSON and restored between any two blocks reads the same records."""

import json
import random

import polars as pl
import pytest

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.opening.formats import Format
from logradar.sources.opening.reader_state import format_of, reader_state, restore_reader
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records

LOGS = {
    "syslog, no year, over new year": [
        f"{day} 23:{minute:02d}:00 host app[7]: message {minute}"
        for day in ("Dec 30", "Dec 31", "Jan  1")
        for minute in range(60)
    ],
    "python traces": [
        line
        for number in range(40)
        for line in (
            f"2024-05-01 12:00:{number:02d},000 ERROR app: failed {number}",
            "Traceback (most recent call last):",
            '  File "a.py", line 1, in f',
            "    g()",
            "ValueError: bad",
        )
    ],
    "containers, lines in parts": [
        line
        for number in range(60)
        for line in (
            f"2024-05-01T12:00:{number:02d}.000Z stdout P 2024-05-01 12:00:{number:02d},000 INFO shop - half ",
            f"2024-05-01T12:00:{number:02d}.100Z stderr F panic {number}",
            f"2024-05-01T12:00:{number:02d}.200Z stdout F of it",
        )
    ],
    "JSON, nested names": [
        json.dumps({"time": {"$date": 1714565000000 + number}, "log": {"level": "warn"}, "message": f"m {number}"})
        for number in range(100)
    ],
    "a format that changes": [
        *(f"2024-05-01 12:00:{number % 60:02d},000 INFO shop.Cart - added {number}" for number in range(60)),
        *(f"I0501 12:00:{number % 60:02d}.000000       7 main.go:12] served {number}" for number in range(90)),
    ],
    "hours without a date": [f"{hour % 24:02d}:00:00 INFO tick {hour}" for hour in range(100)],
}


def read(lines, sizes, restore):
    form = Format.detect(lines[:60])
    reader, place, found = Records(form, "a.log", Quarantine(), ReadLimits()), 0, []
    while place < len(lines):
        part = lines[place : place + next(sizes)]
        found += reader.push(Block(pl.Series("text", part), place + 1))
        place += len(part)
        if restore:
            state = json.loads(json.dumps(reader_state(reader)))
            reader = Records(format_of(state), "a.log", Quarantine(), ReadLimits())
            restore_reader(reader, state)
    return pl.concat([*found, *reader.flush()])


@pytest.mark.parametrize("name", LOGS)
def test_a_restored_reader_goes_on(name):
    chance, lines = random.Random(4), LOGS[name]
    whole = read(lines, iter([len(lines)]), restore=False)
    assert len(whole) > 30
    for _ in range(3):
        assert read(lines, iter(lambda: chance.choice([1, 2, 5, 30]), None), restore=True).equals(whole)
