"""Drain equals Drain3: the same cluster numbers and templates, line by line, on real and on random lines."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from drain3.drain import Drain as Drain3
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.parsing.drain import Drain, DrainSettings
from logradar.parsing.interning import Texts

SYSTEMS = (
    "Android Apache BGL HDFS HPC Hadoop HealthApp Linux Mac OpenSSH OpenStack Proxifier Spark Thunderbird "
    "Windows Zookeeper"
).split()


def drain3(lines: list[str], options: DrainSettings) -> tuple[list[int], dict[int, tuple[str, int]]]:
    peer = Drain3(**{name: list(v) if isinstance(v, tuple) else v for name, v in options})
    numbers = [peer.add_log_message(line)[0].cluster_id for line in lines]
    return numbers, {c.cluster_id: (c.get_template(), c.size) for c in peer.clusters}


def clusters(drain: Drain) -> dict[int, tuple[str, int]]:
    rows = drain.clusters().select("number", "template", "size").iter_rows()
    return {number: (template, size) for number, template, size in rows}


def contents(data_dir: Path, system: str) -> list[str]:
    with (data_dir / "loghub_2k" / system / f"{system}_2k.log_structured.csv").open(newline="") as file:
        return [row["Content"] for row in csv.DictReader(file)]


def raw_lines(data_dir: Path, system: str) -> list[str]:
    content = (data_dir / "loghub_2k" / system / f"{system}_2k.log").read_bytes()
    return content.decode(errors="replace").rstrip("\n").split("\n")


@pytest.mark.parametrize("read", [contents, raw_lines])
@pytest.mark.parametrize("system", SYSTEMS)
def test_real_lines_get_the_numbers_and_templates_of_drain3(data_dir, system, read):
    lines = read(data_dir, system)
    assert len(lines) >= 2000
    numbers, templates = drain3(lines, DrainSettings())
    whole = Drain()
    assert whole.add(Texts.of(lines)).tolist() == numbers
    assert clusters(whole) == templates
    parts, found = Drain(), []
    for begin in range(0, len(lines), 100):
        found += parts.add(Texts.of(lines[begin : begin + 100])).tolist()
        if begin % 500 == 0:
            parts.forget()
    assert found == numbers
    assert clusters(parts) == templates


WORDS = ["a", "b", "c", "d", "<*>", "n1", "n2", "7", "a_b", "²x"]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=120)
OPTIONS = st.builds(
    DrainSettings,
    sim_th=st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.7, 1.0]),
    depth=st.integers(3, 7),
    max_children=st.integers(2, 6),
    max_clusters=st.none() | st.integers(1, 8),
    parametrize_numeric_tokens=st.booleans(),
    extra_delimiters=st.sampled_from([(), ("_",), ("_", "n")]),
)


@settings(max_examples=300, deadline=None)
@given(LINES, OPTIONS, st.integers(1, 40))
def test_random_lines_get_the_numbers_and_templates_of_drain3(tmp_path_factory, lines, options, cut):
    lines = lines + lines[::-1]  # every line again, after the tree has changed
    numbers, templates = drain3(lines, options)
    drain = Drain(options)
    found = drain.add(Texts.of(lines[:cut])).tolist()
    drain.forget()
    found += drain.add(Texts.of(lines[cut : 2 * cut])).tolist()
    folder = tmp_path_factory.mktemp("drain")
    drain.save(folder)
    drain = Drain.load(folder, options, drain.made)
    found += drain.add(Texts.of(lines[2 * cut :])).tolist()
    assert found == numbers
    assert clusters(drain) == templates


def test_many_clusters_of_many_lengths_outgrow_every_array(data_dir):
    lines = [" ".join(f"w{i % 7}x{j}" for j in range(i % 90)) + f" tail{i}" for i in range(6000)]
    options = DrainSettings(sim_th=0.9, depth=5, max_children=8)
    numbers, templates = drain3(lines, options)
    drain = Drain(options)
    assert drain.add(Texts.of(lines)).tolist() == numbers
    assert clusters(drain) == templates


def test_evicted_clusters_leave_no_memory_behind():
    lines = [f"event{i} of kind{i} went{i}" for i in range(20_000)]
    options = DrainSettings(max_clusters=50)
    drain = Drain(options)
    numbers, templates = drain3(lines, options)
    assert drain.add(Texts.of(lines)).tolist() == numbers
    assert clusters(drain) == templates
    assert len(drain.tree.clusters) < 1000


def test_blanks_are_those_of_python():
    blanks = [chr(c) for c in range(0x110000) if chr(c).isspace()]
    near = [chr(ord(blank) + 1) for blank in blanks if not chr(ord(blank) + 1).isspace()]
    lines = [f"a{c}b" for c in [*blanks, *near, "\x00", "\u180e", "\u200b", "\ufeff"]]
    drain = Drain(DrainSettings(sim_th=1.0))
    numbers, templates = drain3(lines, DrainSettings(sim_th=1.0))
    assert drain.add(Texts.of(lines)).tolist() == numbers
    assert clusters(drain) == templates
