"""Sessions for tests of day files: made by hypothesis or by hand, and a reader that keeps every fault."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from logradar.sources.radar.faults import Example, Faults, lost
from logradar.sources.radar.scanner import Scanner
from logradar.sources.radar.table import DAY_SESSIONS

NASTY = st.text(st.sampled_from('{}[]",:\\/ab \n\té한😀\x7f\u2028') | st.characters(codec="utf-8"), max_size=90)
SHORT = st.text(st.sampled_from('{}[]",:\\ab'), max_size=5)


def session(number: int, events: list[int] | None = None, length: int = 16, **more: Any) -> dict[str, Any]:
    """A session as RADAR writes it; ``more`` replaces keys, `...` leaves them out."""
    events = [number + 3, 7, 11] if events is None else events
    real = events[:length]
    whole = {
        "session_id": number,
        "event_sequence": events,
        "token_ids": real + [0] * (length - len(real)),
        "attention_mask": [1] * len(real) + [0] * (length - len(real)),
        "has_error": number % 3 == 0,
        "has_warn": number % 2 == 0,
        "service_name": f"service-{number % 4}",
        "original_logs": [f'line {event} of {{"a": [{number}]}} \\ "' for event in events],
        **more,
    }
    return {key: value for key, value in whole.items() if value is not ...}


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    """A sound session in any order of keys, padded or cut, with unpleasant texts."""
    events = draw(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 12), max_size=40))
    made = session(
        draw(st.integers(-(2**63), 2**63 - 1)),
        events,
        draw(st.integers(0, 90)),
        has_error=draw(st.booleans()),
        has_warn=draw(st.booleans()),
        service_name=draw(NASTY),
        original_logs=draw(st.lists(NASTY, max_size=6)),
    )
    return dict(draw(st.permutations(list(made.items()))))


class EveryFault(Faults):
    """Keeps all that was lost, as (status, key, example)."""

    def __init__(self) -> None:
        super().__init__("day.json")
        self.cases: list[tuple[int, int, Example]] = []

    def add_lost(self, status: int, key: int, example: Example) -> None:
        self.cases.append((status, key, example))
        super().add_lost(status, key, example)

    def counts(self) -> dict[str, int]:
        """How often each reason was met."""
        return {reason: fault.count for reason, fault in self.reasons.items()}

    def words(self) -> list[str]:
        """The reasons of what was lost, in order."""
        return [lost(status, key) for status, key, _ in self.cases]


class Dribble(io.BytesIO):
    """A file that gives at most ``step`` bytes at once."""

    step = 1 << 20

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        return super().readinto(view[: self.step])


def scan(data: bytes, block: int = 1 << 16, step: int = 1 << 20, **limits: int) -> tuple[pa.Table, EveryFault]:
    """All sessions of a day file, and its faults."""
    faults = EveryFault()
    file = Dribble(data)
    file.step = step
    tables = list(Scanner(faults, block, **limits).tables(file.readinto))
    return pa.concat_tables(tables) if tables else DAY_SESSIONS.empty_table(), faults


def expected(made: dict[str, Any]) -> dict[str, Any]:
    """The row of a sound session, without its offset."""
    return {
        "session_id": made["session_id"],
        "service": made.get("service_name"),
        "event_sequence": made["event_sequence"],
        "has_error": made.get("has_error"),
        "has_warn": made.get("has_warn"),
        "original_logs": made.get("original_logs"),
        "tokens_length": len(made["token_ids"]) if "token_ids" in made else None,
    }


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as `expected` has them."""
    return table.drop_columns(["offset"]).to_pylist()


def document(objects: list[Any], **how: Any) -> bytes:
    """A day file as the json module writes it."""
    return json.dumps(objects, **how).encode()
