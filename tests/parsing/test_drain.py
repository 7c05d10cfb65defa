"""Drain equals Drain3: the same cluster numbers and templates, line by line, on real and on random lines."""

from __future__ import annotations

import numpy as np
import pytest
from drain3_peer import SYSTEMS, clusters, drain3
from hypothesis import given, settings
from hypothesis import strategies as st

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.parsing.drain import Drain, DrainSettings
from logradar.parsing.interning import Texts


@pytest.mark.parametrize("system", SYSTEMS)
def test_real_lines_get_the_numbers_and_templates_of_drain3(lines_of, system):
    lines = lines_of(system)
    numbers, templates = drain3(lines)
    whole = Drain()
    assert whole.add(Texts.of(lines)).tolist() == numbers
    assert clusters(whole) == templates
    parts, found = Drain(), []
    for begin in range(0, len(lines), 100):
        found += parts.add(Texts.of(lines[begin : begin + 100])).tolist()
        if begin % 500 == 0:
            parts.forget(np.arange(0, len(parts.lines), 2))
    assert found == numbers
    assert clusters(parts) == templates


WORDS = ["a", "b", "c", "d", "<*>", "n1", "n2", "7", "a_b", "²x"]
POOLS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=40)
LINES = POOLS.flatmap(lambda pool: st.lists(st.sampled_from(pool), max_size=120))
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
@given(LINES, OPTIONS, st.integers(1, 60))
def test_random_lines_get_the_numbers_and_templates_of_drain3(tmp_path_factory, lines, options, cut):
    lines = lines + lines[::-1]  # every line again, after the tree has changed
    numbers, templates = drain3(lines, options)
    drain = Drain(options)
    found = drain.add(Texts.of(lines[:cut])).tolist()
    kept = np.arange(cut % 2, len(drain.lines), 2)
    texts = drain.lines.strings().gather(kept).to_list()
    drain.forget(kept)
    assert drain.lines.strings().to_list() == texts
    found += drain.add(Texts.of(lines[cut : 2 * cut])).tolist()
    folder = tmp_path_factory.mktemp("drain")
    drain.save(folder)
    drain = Drain.load(folder, options, drain.created)
    found += drain.add(Texts.of(lines[2 * cut :])).tolist()
    assert found == numbers
    assert clusters(drain) == templates


def test_many_clusters_of_many_lengths_outgrow_every_array():
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


def test_a_new_branch_takes_its_lines_away_from_the_wildcard():
    # 'c' goes through the wildcard until it gets a branch of its own: the remembered way must not live on.
    lines = ["a x y", "b x y", "c1 x y", "c x y", "c p q", "c x y", "c1 x y"]
    options = DrainSettings(depth=5, max_children=5)
    numbers, templates = drain3(lines * 3, options)
    drain = Drain(options)
    assert drain.add(Texts.of(lines * 3)).tolist() == numbers
    assert clusters(drain) == templates


def test_a_template_that_became_more_general_loses_lines_to_its_neighbour():
    lines = ["a b c d e", "a b c f g", "a x h d i", "a b c d i", "a b q r s", "a b c d i"]
    numbers, templates = drain3(lines)
    drain = Drain()
    assert numbers[3] != numbers[5]
    assert drain.add(Texts.of(lines)).tolist() == numbers
    assert clusters(drain) == templates


def test_blanks_are_those_of_python():
    blanks = [chr(c) for c in range(0x110000) if chr(c).isspace()]
    near = [chr(ord(blank) + 1) for blank in blanks if not chr(ord(blank) + 1).isspace()]
    lines = [f"a{c}b" for c in [*blanks, *near, "\x00", "\u180e", "\u200b", "\ufeff"]]
    options = DrainSettings(sim_th=1.0)
    numbers, templates = drain3(lines, options)
    drain = Drain(options)
    assert drain.add(Texts.of(lines)).tolist() == numbers
    assert clusters(drain) == templates


def test_an_empty_delimiter_is_refused():
    with pytest.raises(ConfigError, match="extra_delimiters"):
        validated(DrainSettings, {"extra_delimiters": [""]})
