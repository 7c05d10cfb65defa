"""Names of hosts, users and ids in another run are no differences; words that tell are."""

from __future__ import annotations

from logradar.pipeline.differences.names import renamed

GOOD, BAD, BOTH = frozenset({0}), frozenset({1}), frozenset({0, 1})


def same(templates: list[tuple[str, frozenset[int]]]) -> dict[int, int]:
    texts = {number: text for number, (text, _) in enumerate(templates)}
    return renamed(texts, {number: runs for number, (_, runs) in enumerate(templates)})


def test_hosts_with_numbers_are_names():
    assert same([("up on node17", GOOD), ("up on node4", BAD), ("ready", BOTH)]) == {1: 0}


def test_a_user_in_paths_is_a_name_in_every_template():
    words = ("open /home/{} now", "owner is {}", "{} reads", "ugi={} ok")
    pairs = [(text.format(name), runs) for text in words for name, runs in (("anna", GOOD), ("boris", BAD))]
    assert same([*pairs, ("ready", BOTH)]) == {1: 0, 3: 2, 5: 4, 7: 6}


def test_a_verb_is_no_name_however_often():
    words = ("job {}", "task {}", "step {}", "stage {}", "run {}")
    pairs = [(text.format(name), runs) for text in words for name, runs in (("started", GOOD), ("stopped", BAD))]
    assert same([*pairs, ("ready", BOTH)]) == {}


def test_words_of_failure_are_never_names():
    words = ("open /a/{} now", "state={}/x", "{}/y is", "to /{}")
    pairs = [(text.format(name), runs) for text in words for name, runs in (("fine", GOOD), ("failed", BAD))]
    assert same([*pairs, ("ready", BOTH)]) == {}


def test_two_templates_of_one_run_stay_two():
    assert same([("up on node17", BOTH), ("up on node4", BOTH), ("down", BAD)]) == {}
    assert same([("up on node17", BAD), ("up on node4", BAD), ("down", BOTH)]) == {}


def test_all_ids_of_a_message_are_one_where_the_runs_have_others():
    links = [("link a1b", GOOD), ("link c2d", BAD), ("link e3f", BAD), ("link <NUM>", GOOD)]
    assert len(same([*links, ("up", BOTH)])) == len(links) - 1
