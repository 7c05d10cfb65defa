"""Lines of a pipe are records while they come, and the same records as those of a file."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from logradar.core.tables import LOG_RECORDS
from logradar.sources.live.growing import Growing
from logradar.sources.opening.opening import InputSettings, open_input

LOG = [
    "2026-03-02 10:00:00,100 INFO shop - ready",
    "2026-03-02 10:00:01,200 ERROR shop - failed",
    "java.lang.IllegalStateException: no stock",
    "\tat shop.Stock.take(Stock.java:17)",
    "2026-03-02 10:00:02,300 INFO shop - went on",
]


Piped = Callable[[list[bytes], float], Growing]


@pytest.fixture
def piped() -> Iterator[Piped]:
    """What a process writes into a pipe, part by part, with a pause in seconds between them."""
    opened: list[io.BufferedReader] = []

    def pipe(parts: list[bytes], pause: float) -> Growing:
        receiver, sender = os.pipe()

        def send() -> None:
            with os.fdopen(sender, "wb", buffering=0) as end:
                for part in parts:
                    end.write(part)
                    time.sleep(pause)

        threading.Thread(target=send, daemon=True).start()
        opened.append(os.fdopen(receiver, "rb"))
        return Growing(opened[-1])

    yield pipe
    for reader in opened:
        reader.close()


def plain(records: pa.Table) -> list[dict]:
    return [{**row, "source": None, "record_id": None} for row in records.to_pylist()]


def of_file(path: Path, lines: list[str], settings: InputSettings) -> list[dict]:
    path.write_text("\n".join(lines) + "\n")
    with open_input(path, settings) as opened:
        return plain(pa.concat_tables(opened.batches(None)))


@pytest.mark.parametrize("size", [7, 64, 10_000])
def test_they_are_the_records_of_a_file_wherever_the_bytes_are_cut(piped: Piped, tmp_path: Path, size: int) -> None:
    data = "\n".join(LOG * 20).encode() + b"\n"
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    settings = InputSettings(session_key="")
    found = pa.concat_tables(piped(parts, 0).records(settings))
    assert found.schema == LOG_RECORDS
    assert plain(found) == of_file(tmp_path / "app.log", LOG * 20, settings)
    assert found["record_id"].to_pylist() == list(range(60))


def test_a_record_is_handed_on_when_nothing_more_comes(piped: Piped) -> None:
    growing = piped([line.encode() + b"\n" for line in LOG], 0.6)
    began, arrived = time.monotonic(), []
    for table in growing.records(InputSettings(session_key="")):
        arrived += [(time.monotonic() - began, body) for body in table["body"].to_pylist()]
    assert arrived[0][1] == "ready"
    assert arrived[0][0] < 3, "before the pipe was closed"
    assert arrived[-1][1] == "went on"


def test_a_last_line_without_an_end_is_a_record_too(piped: Piped) -> None:
    found = pa.concat_tables(piped([b"one line\nanother"], 0).records(InputSettings(session_key="")))
    assert found["body"].to_pylist() == ["one line", "another"]


def test_bytes_that_are_no_text_are_counted_and_an_endless_line_is_cut(piped: Piped) -> None:
    growing = piped([b"fine\nb\xff\xfed\n" + b"x" * 3_000_000 + b"\nafter\n"], 0)
    bodies = pa.concat_tables(growing.records(InputSettings(session_key="")))["body"].to_pylist()
    assert bodies[0] == "fine" and bodies[-1] == "after"
    assert growing.quarantine.reasons["line with bytes that are not UTF-8, replaced"] == 1
    assert any("too long" in reason for reason in growing.quarantine.reasons)


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"\xff\xfea\x00"])
def test_compressed_or_wide_bytes_are_left_to_the_reader_of_files(head: bytes) -> None:
    assert not Growing(io.BufferedReader(io.BytesIO(head + b"\x00" * 20))).plain
    assert Growing(io.BufferedReader(io.BytesIO(b"plain\n"))).plain


def test_an_empty_pipe_has_no_records(piped: Piped) -> None:
    assert list(piped([], 0).records(InputSettings(session_key=""))) == []


def test_nul_bytes_are_told_and_json_documents_are_left_to_the_reader_of_files(piped: Piped) -> None:
    growing = piped(["\n".join(LOG).encode() + b"\n", bytes(5_000) + LOG[0].encode() + b"\n"], 0.0)
    tables = list(growing.records(InputSettings()))
    assert sum(map(len, tables)) == 4
    assert dict(growing.quarantine.reasons) == {"run of NUL bytes, skipped": 1}
    for head, plain_ in (
        (b'{"Records": [{"eventTime": "2024-05-03T10:00:00Z", "eventName": "x"}]}\n', False),
        (b'[\n {"time": "2024-05-03T10:00:00Z", "msg": "x"}\n]\n', False),
        (b'{"time": "2024-05-03T10:00:00Z", "msg": "x"}\n', True),
        (b'{"time": "2024-05-03T10:00:00Z", "msg": "the first line may be cut', True),
        (b"[2024-05-03 10:00:00] x\n", True),
    ):
        assert Growing(io.BufferedReader(io.BytesIO(head))).plain is plain_
