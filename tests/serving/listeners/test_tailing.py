"""Files that grow and are rotated while they are followed; a process that is killed goes on where it was."""

import asyncio
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from kept_arrivals import PATIENCE, Kept, until
from log_writer import rotate

from logradar.core.errors import InputError
from logradar.serving.listeners.piped_lines import PipedLines
from logradar.serving.listeners.tailing import Tailer

HERE = Path(__file__).parent


@asynccontextmanager
async def following(kept, *patterns, **given):
    tailer = Tailer(kept, [str(pattern) for pattern in patterns], **{"look": 0.01, **given})
    running = asyncio.create_task(tailer.run())
    try:
        yield tailer
    finally:
        tailer.stop()
        await asyncio.wait_for(running, PATIENCE)


def numbered(count):
    """What `log_writer` writes."""
    found = []
    for number in range(count):
        found.append(f"line {number} {'x' * (number % 90)}")
        if number % 10 == 9:
            found.append(f"half a line {number}")
    return found


def add(path, *lines, end="\n"):
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


@pytest.mark.parametrize("how", ["rename", "copytruncate", "none"])
@pytest.mark.parametrize("pattern", ["app.log", "app*", "*.log"])
def test_nothing_is_lost_or_repeated_through_rotation(tmp_path, how, pattern):
    async def run():
        kept, path = Kept(), tmp_path / "app.log"
        path.touch()
        async with following(kept, tmp_path / pattern, positions=tmp_path / "state" / "positions.json"):
            words = [str(path), how, "1000", "130", "0.05"]
            writer = await asyncio.create_subprocess_exec(sys.executable, str(HERE / "log_writer.py"), *words)
            assert await writer.wait() == 0
            await kept.holds(1_100)
        assert kept.bodies == numbered(1_000)
        assert {arrival.stream for arrival in kept.arrivals} == {f"tail:{path}"}

    asyncio.run(run())


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_rotations_between_two_looks_and_during_a_stop(tmp_path, how):
    async def run():
        path, positions = tmp_path / "app.log", tmp_path / "positions.json"
        add(path, "one")
        kept = Kept()
        async with following(kept, path, positions=positions):
            await kept.holds(1)
        expected = ["one"]
        for turn in range(5):
            for rotation in range(3):
                lines = [f"{turn} {rotation} {number}" for number in range(turn + 1)]
                add(path, *lines)
                expected += lines
                rotate(path, how)
                path.touch()
                time.sleep(0.01)  # times of files have steps
            if turn % 2:
                add(path, f"{turn} in the new file")
                expected.append(f"{turn} in the new file")
            async with following(kept, path, positions=positions) as tailer:
                await kept.holds(len(expected))
                if turn == 4:
                    add(path, "last")
                    await kept.holds(len(expected) + 1)
                assert tailer.counts["gaps"] == 0
            assert kept.bodies[: len(expected)] == expected
        assert kept.bodies == [*expected, "last"]

    asyncio.run(run())


def test_a_restart_repeats_nothing_after_an_ordinary_stop(tmp_path):
    async def run():
        path, kept, positions = tmp_path / "app.log", Kept(), tmp_path / "positions.json"
        for number in range(5):
            add(path, f"line {number}", end="\nnot yet ")
            async with following(kept, path, positions=positions):
                await kept.holds(number + 1)
        add(path, "done")
        async with following(kept, path, positions=positions):
            await kept.holds(6)
        assert kept.bodies == ["line 0", *(f"not yet line {number}" for number in range(1, 5)), "not yet done"]

    asyncio.run(run())


def test_a_killed_process_loses_nothing(tmp_path):
    """SIGKILL at random moments while a log is written and rotated; repeated is at most what one append held."""
    path, out, positions = tmp_path / "app.log", tmp_path / "out", tmp_path / "positions.json"
    path.touch()
    rng = random.Random(4)
    command = [sys.executable, HERE / "tail_process.py", out, positions, path]
    kills = 0

    def tail_until(ready):
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        try:
            assert child.stdout.readline() == b"following\n"
            end = time.monotonic() + PATIENCE
            while not ready() and time.monotonic() < end:
                time.sleep(0.01)
        finally:
            child.kill()
            child.communicate()

    def past(moment):
        return time.monotonic() > moment

    tail_until(positions.exists)  # from now on the file is known, whatever it is called later
    writer = subprocess.Popen([sys.executable, HERE / "log_writer.py", path, "rename", "4000", "1500", "0.02"])
    try:
        while writer.poll() is None or kills < 4:
            moment = time.monotonic() + rng.random() * 0.3
            tail_until(partial(past, moment))
            kills += 1
    finally:
        writer.wait()
    wanted = numbered(4_000)
    tail_until(lambda: wanted[-1] in out.read_text())
    lines = iter(out.read_text().splitlines())
    batches = [[next(lines) for _ in range(int(size))] for size in lines]
    found = [line for batch in batches for line in batch]
    assert set(found) == set(wanted)
    assert list(dict.fromkeys(found)) == wanted  # in order, repeats aside
    repeated = len(found) - len(wanted)
    assert repeated <= (kills + 1) * max(map(len, batches))


def test_positions_are_stored_only_after_the_sink_has_the_lines(tmp_path):
    async def run():
        path, positions, kept = tmp_path / "app.log", tmp_path / "positions.json", Kept()
        kept.refusing = True
        add(path, "one", "two")
        async with following(kept, path, positions=positions) as tailer:
            await until(lambda: kept.refusals > 2)
            assert not positions.exists()
        assert not positions.exists() and tailer.counts["refusals"] > 2
        kept.refusing = False
        async with following(kept, path, positions=positions):
            await kept.holds(2)
        assert kept.bodies == ["one", "two"]
        assert json.loads(positions.read_text())["files"][str(path)]["mark"]["at"] == 8

    asyncio.run(run())


def test_an_inode_that_was_given_to_another_file_is_not_taken_for_the_old_one(tmp_path):
    async def run():
        path, positions, kept = tmp_path / "app.log", tmp_path / "positions.json", Kept()
        add(path, *(f"old {number}" for number in range(50)))
        async with following(kept, path, positions=positions):
            await kept.holds(50)
        with path.open("r+") as file:  # the same inode, other bytes, and more of them
            file.truncate(0)
            file.write("".join(f"new {number}\n" for number in range(100)))
        async with following(kept, path, positions=positions) as tailer:
            await kept.holds(150)
            assert tailer.counts["gaps"] == 1  # nobody knows what the old file held at its end
        assert kept.bodies[50:] == [f"new {number}" for number in range(100)]

    asyncio.run(run())


def test_several_files_have_services_and_new_ones_are_found(tmp_path):
    async def run():
        kept = Kept()
        add(tmp_path / "gateway.log", "a")
        add(tmp_path / "manager-2026-03-02.log", "b")
        async with following(kept, tmp_path / "*.log", tmp_path / "gateway.log"):
            await kept.holds(2)
            (tmp_path / "research.log.1").write_text("rotated before anybody looked\n")
            (tmp_path / "research.log").write_text("c\n")
            shutil.copy(tmp_path / "research.log", tmp_path / "notes.log.gz")
            (tmp_path / ".hidden.log").write_text("no\n")
            await kept.holds(3)
        found = {(arrival.body, arrival.service) for arrival in kept.arrivals}
        assert found == {("a", "gateway"), ("b", "manager"), ("c", "research")}
        alone = Kept()
        async with following(alone, tmp_path / "gateway.log"):
            await alone.holds(1)
        assert alone.arrivals[0].service is None  # as `detect` of this one file

    asyncio.run(run())


def test_containers_have_their_names_and_parts_of_lines_are_joined(tmp_path):
    async def run():
        kept = Kept()
        path = tmp_path / f"shop-7c9_prod_gateway-{'0af1' * 16}.log"
        pods = tmp_path / "pods" / "prod_shop-7c9_12345678-aaaa" / "manager"
        pods.mkdir(parents=True)
        (pods / "0.log").write_text("2026-03-02T08:00:00.1Z stderr F up\n")
        head = "2026-03-02T08:00:00.123456789Z stdout "
        async with following(kept, tmp_path / "*.log", pods / "*.log", positions=tmp_path / "positions.json"):
            path.write_text(f"{head}P long \n")
            await asyncio.sleep(0.1)
            add(path, f"{head}P line\n{head}F , whole", f"{head}F next")
            await kept.holds(3)
        own = [arrival for arrival in kept.arrivals if arrival.service == "gateway"]
        assert [arrival.body for arrival in own] == [f"{head}F long line, whole", f"{head}F next"]
        names = {"k8s.pod.name": "shop-7c9", "k8s.namespace.name": "prod", "k8s.container.name": "gateway"}
        assert json.loads(own[0].attributes) == names
        (other,) = [arrival for arrival in kept.arrivals if arrival.service == "manager"]
        assert json.loads(other.attributes)["k8s.pod.name"] == "shop-7c9"

    asyncio.run(run())


def test_a_part_that_waits_is_read_again_after_a_restart(tmp_path):
    async def run():
        path, kept, positions = tmp_path / "0.log", Kept(), tmp_path / "positions.json"
        head = "2026-03-02T08:00:00.123456789Z stdout "
        add(path, f"{head}F first", f"{head}P one")
        async with following(kept, path, positions=positions):
            await kept.holds(1)
        add(path, f"{head}F two")
        async with following(kept, path, positions=positions):
            await kept.holds(2)
        assert kept.bodies == [f"{head}F first", f"{head}F onetwo"]

    asyncio.run(run())


def test_from_the_end(tmp_path):
    async def run():
        path, kept = tmp_path / "app.log", Kept()
        add(path, *(f"old {number}" for number in range(100)), end="\nhalf ")
        async with following(kept, path, whole=False):
            await asyncio.sleep(0.1)
            add(path, "new")
            add(tmp_path / "app.log", "next")
            await kept.holds(2)
        assert kept.bodies == ["half new", "next"]

    asyncio.run(run())


def test_files_that_cannot_be_followed_cost_nobody_else(tmp_path, capfd):
    async def run():
        kept = Kept()
        (tmp_path / "packed.log").write_bytes(b"\x1f\x8b\x08" + bytes(50))
        (tmp_path / "wide.log").write_bytes("text\n".encode("utf-16"))
        (tmp_path / "folder.log").mkdir()
        os.mkfifo(tmp_path / "pipe.log")
        add(tmp_path / "good.log", "good")
        positions = tmp_path / "positions.json"
        positions.write_text("{broken")
        async with following(
            kept, tmp_path / "*.log", tmp_path / "missing" / "*.log", positions=positions, limit=1_000
        ) as tailer:
            await kept.holds(1)
            await until(lambda: tailer.counts["files"] == 1)
            add(tmp_path / "good.log", "x" * 5_000, "\0" * 40 + "after a hole", "b\xe4d")
            await kept.holds(4)
            assert tailer.counts["cut"] == 1
        assert kept.bodies == ["good", "x" * 1_000, "after a hole", "b\xe4d"]

    asyncio.run(run())
    said = capfd.readouterr().err
    assert "packed.log' is compressed (gz)" in said and "wide.log' is UTF-16" in said
    assert "does not say how far files were read" in said
    with pytest.raises(InputError, match="cannot be written"):
        Tailer(Kept(), [], positions=tmp_path / "good.log" / "positions.json")


def test_lines_of_a_pipe(tmp_path):
    async def run():
        kept = Kept()
        kept.refusing = True
        lines = PipedLines(kept, stream=io.BytesIO(b"one\ntwo\r\nthree"))
        running = asyncio.create_task(lines.run())
        await until(lambda: kept.refusals > 1)
        kept.refusing = False
        await asyncio.wait_for(running, PATIENCE)
        assert kept.bodies == ["one", "two", "three"]
        assert lines.counts["lines"] == 3

    asyncio.run(run())


def test_standard_input_of_a_process(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, HERE / "tail_process.py", out, tmp_path / "positions.json", "-"]
    done = subprocess.run([str(word) for word in command], input=b"one\ntwo\n", capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert out.read_text() == "2\none\ntwo\n"
