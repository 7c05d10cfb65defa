"""A write-ahead log with flipped bits and a torn end: the service starts, says so, keeps the bytes, and goes on."""

import random

import pytest
from tests.serving.process import Process
from tests.serving.senders import document

from logradar.serving.wal.frames import LINES, scan

PART = 100  # lines of a request, and so of a frame


def send(service, lines):
    path, body, kind = document("loki", "hdfs", lines)
    assert service.ask("POST", path, body.encode(), kind)[0] == 204


def damage(home, seed):
    """Flip bits in a frame of lines in the middle, and cut the log within the last one.

    Returns the position of each, and the bytes that are no frames now.
    """
    chance = random.Random(seed)
    (path,) = (home / "wal").glob("*.wal")
    data = bytearray(path.read_bytes())
    start = int(path.stem)
    frames = [one for one in scan(bytes(data), start) if one.kind == LINES]
    assert len(frames) > 5
    middle, last = frames[len(frames) // 2], frames[-1]
    for _ in range(3):
        data[chance.randrange(middle.position + 4, middle.end) - start] ^= 1 << chance.randrange(8)
    cut = chance.randrange(last.position + 30, last.end)
    path.write_bytes(data[: cut - start])
    spoilt = bytes(data[middle.position - start : middle.end - start])
    return middle.position, last.position, spoilt, bytes(data[last.position - start : cut - start])


@pytest.mark.slow
def test_what_is_damaged_is_set_aside_and_the_rest_is_read(world, tmp_path):
    folder, lines, _ = world
    home = tmp_path / "home"
    service = Process(home, folder / "bundle", "snapshot_seconds=3600")
    try:
        sent = len(lines) // PART * PART - PART
        for start in range(0, sent, PART):
            if start == sent - PART:  # the end is torn behind what has been judged
                service.settled(start)
            send(service, lines[start : start + PART])
        service.settled(sent)
        service.kill()
        middle, last, spoilt, torn = damage(home, 1)
        service = Process(home, folder / "bundle", "snapshot_seconds=3600")
        assert service.settled(sent - 2 * PART) == sent - 2 * PART
        kept = {path.name[:20]: path.read_bytes() for path in (home / "wal" / "damaged").iterdir()}
        assert kept == {f"{middle:020d}": spoilt, f"{last:020d}": torn}
        said = service.said()
        assert f"has damaged bytes ({len(spoilt):,} from position {middle:,})" in said, said
        assert f"has an unfinished end ({len(torn):,} from position {last:,})" in said, said
        before = service.counted()
        assert before == sent, "what was judged before the log was damaged is in the store"
        send(service, lines[sent:])
        service.settled(sent - 2 * PART + len(lines) - sent)
        assert service.counted() == len(lines)
        assert service.parts() == {}
        assert service.stop() == 0
    finally:
        service.kill()
    assert "Traceback" not in service.said()


@pytest.mark.slow
def test_a_log_that_lost_what_is_judged_already_goes_on_behind_it(world, tmp_path):
    """It was stopped well, so all is in the state; new lines must not get positions that count as judged."""
    folder, lines, found = world
    home = tmp_path / "home"
    service = Process(home, folder / "bundle")
    try:
        half = len(lines) // 2
        for start in range(0, half, PART):
            send(service, lines[start : min(start + PART, half)])
        service.settled(half)
        assert service.stop() == 0
        damage(home, 2)
        service = Process(home, folder / "bundle")
        for start in range(half, len(lines), PART):
            send(service, lines[start : start + PART])
        service.settled(len(lines))
        assert service.ask("POST", "/api/v1/flush")[0] == 200
        assert service.counted() == service.records() == len(lines)
        assert {one["alert_id"] for one in service.every("alerts")} == set(found.alerts["alert_id"].to_pylist())
        assert "goes on at position" in service.said()
        assert service.stop() == 0
    finally:
        service.kill()
    assert "Traceback" not in service.said()
