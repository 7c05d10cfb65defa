"""The write-ahead log keeps what it acknowledged, through damage, full disks and crashes."""

import asyncio
import random
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from logradar.serving.arrivals import Arrival, arrivals_table
from logradar.serving.ingest.sink import Refused
from logradar.serving.wal.frames import LINES, TICK, encode, payload_of, scan
from logradar.serving.wal.log import Log, Pressure
from logradar.serving.wal.segments import Segments


def read_all(segments):
    frames, place = [], segments.start
    while True:
        found, place = segments.read(place, 1 << 16)
        frames += found
        if not found and place >= segments.end:
            return frames


def bodies(frames):
    return [body for frame in frames if frame.kind == LINES for body in frame.arrivals()["body"].to_pylist()]


def one(text):
    return [Arrival("test", text)]


def test_what_was_acknowledged_is_there_after_a_new_start(tmp_path):
    with Log(tmp_path) as log:
        for number in range(50):
            log.put(one(f"line {number}")).result(10)
    assert bodies(read_all(Segments(tmp_path))) == [f"line {number}" for number in range(50)]


def test_many_senders_share_a_wait_for_the_disk_and_keep_their_order(tmp_path):
    with Log(tmp_path) as log:

        async def send(sender):
            for number in range(100):
                await log.append([Arrival(sender, f"{sender} {number}")])

        async def run():
            await asyncio.gather(*(send(f"s{number}") for number in range(20)))

        asyncio.run(run())
    frames = read_all(Segments(tmp_path))
    lines = bodies(frames)
    assert len(lines) == 2000
    for sender in ("s0", "s19"):
        assert [line for line in lines if line.startswith(f"{sender} ")] == [f"{sender} {n}" for n in range(100)]
    assert sum(frame.kind == LINES for frame in frames) < 1000, "twenty senders wait together"


def test_a_sender_that_gives_up_ends_nothing(tmp_path):
    """A client that hangs up cancels its request, in whatever state that is."""
    with Log(tmp_path) as log:

        async def give_up(number):
            task = asyncio.create_task(log.append(one(f"given up {number}")))
            await asyncio.sleep(0 if number % 2 else 0.0005)
            task.cancel()

        async def run():
            await asyncio.gather(*(give_up(number) for number in range(300)))
            await asyncio.wait_for(log.append(one("after")), 10)

        asyncio.run(run())
    assert bodies(read_all(Segments(tmp_path)))[-1] == "after"


def test_ticks_follow_what_arrived_and_then_stop(tmp_path):
    with Log(tmp_path, quiet_ticks=2) as log:
        log.put(one("a")).result(10)
        place, ticks = log.segments.start, 0
        deadline = threading.Event()
        for _ in range(60):
            frames, place = log.read(place, 1 << 20, 0.1)
            ticks += sum(frame.kind == TICK for frame in frames)
            deadline.wait(0.05)
            if ticks >= 2:
                break
        assert ticks == 2
        deadline.wait(1.2)
        frames, place = log.read(place, 1 << 20, 0.1)
        assert frames == []


def test_ticks_keep_their_pace_however_soon_they_are_read(tmp_path):
    """Each half second once the one before is read; a reader that takes its time gets them as far apart as it wants."""
    with Log(tmp_path) as log:
        log.put(one("a")).result(10)
        place, times = log.segments.start, []
        while len(times) < 6:
            frames, place = log.read(place, 1 << 20, 10)
            times += [frame.time / 1e6 for frame in frames if frame.kind == TICK]
            if len(times) == 3:
                time.sleep(1.5)
    apart = [later - earlier for earlier, later in pairwise(times)]
    assert max(apart[:2] + apart[3:]) < 3, "five seconds are for a reader that does not come after"
    assert apart[2] > 1.4


def test_a_torn_end_is_cut_and_writing_goes_on(tmp_path):
    with Log(tmp_path) as log:
        log.put(one("kept")).result(10)
        end = log.end
    (path,) = tmp_path.glob("*.wal")
    with path.open("ab") as file:
        file.write(encode(LINES, 1, payload_of(arrivals_table(one("lost"))))[:-3])
    segments = Segments(tmp_path)
    assert segments.end == end
    assert "unfinished end" in segments.repaired[0]
    with Log(tmp_path) as log:
        log.put(one("more")).result(10)
    assert bodies(read_all(Segments(tmp_path))) == ["kept", "more"]


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_costs_one_frame_and_is_set_aside(tmp_path, seed):
    chance = random.Random(seed)
    segments = Segments(tmp_path, size=4000)
    frames = [encode(LINES, number, payload_of(arrivals_table(one(f"line {number}")))) for number in range(40)]
    ends = [segments.write(frame) for frame in frames]
    segments.close()
    paths = sorted(tmp_path.glob("*.wal"))
    assert len(paths) > 3
    path = chance.choice(paths)
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    data[place] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    damaged = sum(end <= int(path.stem) + place for end in ends)
    opened = Segments(tmp_path)
    assert bodies(read_all(opened)) == [f"line {number}" for number in range(40) if number != damaged]
    assert len(opened.repaired) == 1
    assert list((tmp_path / "damaged").glob("*.bytes"))
    opened.write(encode(LINES, 99, payload_of(arrivals_table(one("after")))))
    opened.close()
    assert bodies(read_all(opened))[-1] == "after"


def test_scan_finds_frames_between_any_garbage():
    chance = random.Random(1)
    good = [encode(LINES, number, chance.randbytes(30)) for number in range(10)]
    data = b"".join(chance.randbytes(chance.randrange(50)) + frame for frame in good)
    assert [found.time for found in scan(data) if hasattr(found, "time")] == list(range(10))


def test_pressure_refuses_all_or_nothing(tmp_path):
    with Log(tmp_path, pressure=Pressure(backlog_bytes=2000)) as log:
        accepted = refused = 0
        for number in range(200):
            try:
                log.put(one(f"{number} " + "x" * random.Random(number).randrange(500))).result(10)
                accepted += 1
            except Refused as why:
                assert (why.status, why.retry_after) == (429, 2)
                refused += 1
        assert refused
        log.read(log.end, 1, 0)
        log.put(one("again")).result(10)
    lines = bodies(read_all(Segments(tmp_path)))
    assert len(lines) == accepted + 1
    assert accepted + refused == 200


FULL = """
import resource, sys
from pathlib import Path
from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.sink import Refused
from logradar.serving.wal.log import Log
import random, time, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
with Log(Path(sys.argv[1])) as log:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    accepted, refused = 0, 0
    chance = random.Random(5)
    for number in range(40):
        try:
            log.put([Arrival("a", f"line {accepted} " + chance.randbytes(600).hex())]).result(10)
            accepted += 1
        except Refused as why:
            assert why.status == 503, why
            refused += 1
    assert refused and accepted, (accepted, refused)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            log.put([Arrival("a", f"line {accepted} after")]).result(10)
            break
        except Refused:
            time.sleep(0.2)
    print(accepted + 1)
"""


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    lines = bodies(read_all(Segments(tmp_path)))
    assert [int(line.split()[1]) for line in lines] == list(range(int(done.stdout)))


KILLED = """
import sys
from pathlib import Path
from logradar.serving.arrivals import Arrival
from logradar.serving.wal.log import Log
with Log(Path(sys.argv[1])) as log:
    number = int(sys.argv[2])
    while True:
        log.put([Arrival("a", f"line {number + i}") for i in range(3)]).result(10)
        number += 3
        print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path):
    chance, acknowledged = random.Random(0), 0
    for _ in range(4):
        before = len(bodies(read_all(Segments(tmp_path))))
        assert before >= acknowledged
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(before)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(chance.randrange(1, 60)):
            line = process.stdout.readline()
        process.kill()
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        acknowledged = int(rest[-1]) if rest else int(line)
    lines = bodies(read_all(Segments(tmp_path)))
    assert len(lines) >= acknowledged
    assert lines == [f"line {number}" for number in range(len(lines))]
