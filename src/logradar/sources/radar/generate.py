"""Generates day files of any size for tests and benchmarks, at the speed of the disk.

Distinct sessions are generated up to a given number of bytes; after that their blocks are repeated with new session
ids. The same seed gives the same bytes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.sources.radar.write import day_path, encode

FIRST_ID: Final = 10**11  # ids have twelve digits, so that they can be overwritten in place
BLOCK: Final = 4 << 20
FIRST_DAY: Final = date(2024, 5, 1)
SERVICES: Final = ("gateway", "research", "manager", "billing", "search", "auth", "mailer", "ledger")
_PARTS: Final = ("intake", "pricing", "stock", "router", "cache", "audit", "batch", "retry")
_ACTS: Final = (
    "request {} accepted from 10.{}.{}.7 path=/api/v1/items/{} trace={:08x}",
    "query on table orders took {} ms, {} rows, plan {} cache {} key {:08x}",
    "session {} of user-{} restored from replica {} in {} ms, token {:08x}",
    'client answered {{"status": {}, "retry": {}, "shard": {}, "part": {}, "id": "{:08x}"}}',
    "queue depth {} above mark {} on worker {} slot {} batch {:08x}, waiting for a free consumer",
    "주문 {} 처리 완료: 항목 {} 개, 창고 {}, 구역 {}, 번호 {:08x}",
    "block {} of {} stored on node-{} in segment {} checksum {:08x} without complaint",
    "retry {} of {} for upstream research-{} after {} ms because of timeout {:08x}",
)
EVENTS: Final = len(SERVICES) * len(_PARTS) * len(_ACTS)  # distinct event ids, from 3 on
TROUBLED: Final = 0.06  # share of sessions that may contain warnings and errors


@dataclass(frozen=True)
class DayShape:
    """The form of the sessions of a generated day.

    ``length`` is the length of ``token_ids``, ``events`` the median number of events in a session (log-normal),
    ``distinct`` the number of bytes after which blocks are repeated.
    """

    pretty: bool = False
    length: int = 512
    events: float = 22.0
    distinct: int = 64 << 20


def write_day(path: Path, size: int, seed: int = 0, shape: DayShape = DayShape(), day: date = FIRST_DAY) -> int:
    """Write a day file of about ``size`` bytes (at least one session) for ``day``; returns the number of sessions."""
    blocks: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]] = []
    new_blocks = _blocks(seed, min(size, shape.distinct), shape, day)
    sessions = written = turn = 0
    with path.open("wb") as file:
        written += file.write(b"[\n" if shape.pretty else b"[")
        while written < size or not sessions:
            block = next(new_blocks, None)
            if block is None:
                block = blocks[turn % len(blocks)]
                turn += 1
            else:
                blocks.append(block)
            data, places = block
            if written + len(data) > size + len(data) // len(places):  # only a part of the last block
                places = places[: max(1, (size - written) * len(places) // len(data))]
                data = data[: _end_of(data, block[1], len(places))]
            _number(data, places, FIRST_ID + sessions)
            between = (b",\n" if shape.pretty else b",") if sessions else b""
            written += file.write(between) + file.write(data.tobytes())
            sessions += len(places)
        file.write(b"\n]\n" if shape.pretty else b"]")
    return sessions


def write_days(
    folder: Path,
    days: int,
    size: int,
    seed: int = 0,
    shape: DayShape = DayShape(),
    first: date = FIRST_DAY,
) -> list[Path]:
    """Write ``days`` day files of about ``size`` bytes each, from day ``first`` on; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(days):
        day = first + timedelta(days=number)
        paths.append(day_path(folder, day))
        write_day(paths[-1], size, seed + number, shape, day)
    return paths


def sessions(seed: int, shape: DayShape = DayShape(), day: date = FIRST_DAY) -> Iterator[dict[str, Any]]:
    """An endless sequence of distinct session objects of a day file, without token_ids and attention_mask."""
    draw = random.Random(seed)
    number = FIRST_ID
    while True:
        service = draw.randrange(len(SERVICES))
        count = min(int(draw.lognormvariate(math.log(shape.events), 0.6)) + 1, 2_000)
        kinds = 64 if draw.random() < TROUBLED else 56  # the last eight kinds are warnings, the last two of them errors
        events, lines = [], []
        highest = 0
        second, code = draw.randrange(86_000), draw.getrandbits(30)
        for step in range(count):
            kind = int(draw.random() ** 2 * kinds)
            highest = max(highest, kind)
            level = "INFO" if kind < 56 else "WARN" if kind < 62 else "ERROR"
            code = (code * 1_103_515_245 + 12_345) & 0x7FFFFFFF
            second += code & 1
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02},{code % 1000:03}"
            text = _ACTS[kind % 8].format(code >> 12, code & 255, step, code >> 7 & 4095, code)
            lines.append(f"{day} {clock} {level:5} [{SERVICES[service]}-{code & 15}] {_PARTS[kind // 8]}: {text}")
            events.append(3 + service * 64 + kind)
        yield {
            "session_id": number,
            "event_sequence": events,
            "has_error": highest >= 62,
            "has_warn": highest >= 56,
            "service_name": SERVICES[service],
            "original_logs": lines,
        }
        number += 1


def _blocks(
    seed: int, size: int, shape: DayShape, day: date
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
    """Blocks of sessions as text, each with the positions of its session ids; ``size`` bytes in total."""
    between = b",\n" if shape.pretty else b","
    pieces: list[bytes] = []
    held = done = 0
    for session in sessions(seed, shape, day):
        pieces.append(encode(session, shape.length, shape.pretty))
        held += len(pieces[-1]) + len(between)
        if held < min(BLOCK, size - done):
            continue
        data = np.frombuffer(bytearray(between.join(pieces)), np.uint8)
        starts = np.cumsum([0] + [len(piece) + len(between) for piece in pieces[:-1]])
        yield data, starts + pieces[0].index(b"1", pieces[0].index(b":"))
        done += held
        pieces, held = [], 0
        if done >= size:
            return


def _end_of(data: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], count: int) -> int:
    """The position after the first ``count`` sessions of a block."""
    if count >= len(places):
        return len(data)
    comma = b"},"
    return data.tobytes().rindex(comma, 0, int(places[count])) + 1


def _number(data: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], first: int) -> None:
    """Write consecutive ids of twelve digits."""
    ids = np.arange(first, first + len(places))
    digits = ids[:, None] // 10 ** np.arange(11, -1, -1) % 10
    data[places[:, None] + np.arange(12)] = digits + ord("0")
