"""A small world for tests of the service: lines of a made-up cluster, a bundle that learnt them, what detect finds."""

import random
from datetime import datetime, timedelta

import pytest

from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train

KEY = r"(blk_-?\d+)"


def hdfs_lines(count, seed, faulty=()):
    """Lines of blocks, each written three times and served; those of ``faulty`` are not written the third time."""
    chance, lines = random.Random(seed), []
    for number in range(count):
        block = f"blk_{seed}{number:05d}"
        said = [f"Receiving block {block} src: /10.0.0.{chance.randint(1, 9)}:50010 dest: /10.0.0.2:50010"] * 3
        said += [f"PacketResponder {who} for block {block} terminating" for who in range(2 if number in faulty else 3)]
        said += [f"Exception writing block {block} to mirror: connection reset"] if number in faulty else []
        lines += [(number + at / 10, text) for at, text in enumerate(said)]
    lines.sort()
    begin = datetime(2008, 11, 9, 20)
    return [f"{begin + timedelta(seconds=at):%y%m%d %H%M%S} 26 INFO dfs.DataNode: {text}" for at, text in lines]


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with ``bundle``, train.log and test.log; the lines of test.log; and what `detect` finds in it."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "train.log").write_text("\n".join(hdfs_lines(600, 1)) + "\n")
    lines = hdfs_lines(300, 2, {50, 51, 52, 200})
    (folder / "test.log").write_text("\n".join(lines) + "\n")
    train(str(folder / "train.log"), folder / "bundle", run_settings(None, [f"input.session_key={KEY}"]))
    return folder, lines, detect(folder / "bundle", str(folder / "test.log"))
