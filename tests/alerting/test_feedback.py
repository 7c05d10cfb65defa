"""What is the same finding: not the same session, and nothing that shows more."""

from __future__ import annotations

import json

import pytest

from logradar.alerting.feedback import Accepted, Feedback
from logradar.alerting.signature import Signature
from logradar.core.errors import ConfigError, InputError

NEW = "?cache warmed in <DURATION>"


def odd(**more) -> Signature:
    return Signature(bundle="b", sequence=more.pop("sequence", "0"), **more)


def entry(name: str, **more) -> Accepted:
    return Accepted(id=name, session_id=f"s-{name}", signature=odd(**more))


ACCEPTED = odd(
    added={"5": 2, NEW: 2}, nearest={"3": 1, "4": 1}, unseen=(NEW,), runs=(("4", NEW), (NEW, "5"), ("5", "4"))
)


def test_the_same_oddity_is_covered_in_whatever_order_the_new_message_comes():
    assert ACCEPTED.covers(odd(added={"5": 2, NEW: 2}, unseen=(NEW,), runs=(("5", "4"), ("3", NEW))))


@pytest.mark.parametrize(
    "more",
    [
        {"unseen": (NEW, "?disk failed")},
        {"unseen": ("?disk failed",)},
        {"runs": (("4", "3"),)},
        {"contexts": (("3", "4"),)},
        {"findings": {"4|values: # is odd": 3.0}},
        {"loose": True},
    ],
    ids=["another message too", "another message", "another order", "odd to the detector", "an odd value", "loose"],
)
def test_whatever_shows_more_is_not_covered(more):
    assert not ACCEPTED.covers(odd(**{"unseen": (NEW,), **more}))


def test_an_odd_value_is_covered_up_to_a_quarter_more():
    accepted = odd(findings={"4|values: # is odd": 4.0})
    assert accepted.covers(odd(findings={"4|values: # is odd": 5.0}))
    assert not accepted.covers(odd(findings={"4|values: # is odd": 5.1}))


def test_what_only_its_sequence_tells_covers_that_sequence_alone():
    assert odd(sequence="7").covers(odd(sequence="7"))
    assert not odd(sequence="7").covers(odd(sequence="8"))
    assert not odd(sequence="7").covers(odd(sequence="7", findings={"4|x": 1.0}))


def test_counts_may_be_as_often_or_less_often_and_leave_a_normal_session_of_the_same_kind():
    def normal(counts):
        return {event: n for event, n in counts.items() if n} in ({"3": 1, "4": 1}, {"3": 9, "4": 9})

    assert ACCEPTED.leaves_normal({"3": 1, "4": 1, "5": 2, NEW: 2}, normal)
    assert ACCEPTED.leaves_normal({"3": 1, "4": 1, "5": 1, NEW: 1}, normal)
    assert not ACCEPTED.leaves_normal({"3": 1, "4": 1, "5": 3, NEW: 3}, normal)
    assert not ACCEPTED.leaves_normal({"3": 1, "4": 1, "5": 1}, normal)
    assert not ACCEPTED.leaves_normal({"3": 9, "4": 9, "5": 2, NEW: 2}, normal)  # normal, but another kind


def test_silencing_names_the_alert_that_explains():
    feedback = Feedback().add([entry("a", unseen=(NEW,)), entry("b", unseen=("?other",))])
    found = [odd(unseen=("?other",)), None, odd(unseen=(NEW, "?other"))]
    assert feedback.silences(found, lambda number, signature: True) == ["b", None, None]
    assert feedback.silences(found, lambda number, signature: False) == [None, None, None]


def test_told_twice_counts_once_and_can_be_undone():
    feedback = Feedback().add([entry("a")]).add([entry("a"), entry("b")])
    assert [one.id for one in feedback.accepted] == ["a", "b"]
    assert all(one.given for one in feedback.accepted)
    assert len(feedback.without(["s-a", "b"])) == 0
    with pytest.raises(InputError, match="on 'ab'; known are: aa"):
        Feedback().add([entry("aa")]).without(["ab"])


def test_the_file_is_read_back_or_refused():
    feedback = Feedback().add([entry("a", unseen=(NEW,), added={NEW: 1}, findings={"3|x": 0.5})])
    assert Feedback.of_json(feedback.to_json()) == feedback
    for broken in ('{"format": 3}', '{"accepted": [{"id": "a"}]}', '{"more": 1}'):
        with pytest.raises(ConfigError):
            Feedback.of_json(broken)
    huge = json.loads(feedback.to_json())
    huge["accepted"][0]["signature"]["added"] = {"3": 10**9}
    with pytest.raises(ConfigError):
        Feedback.of_json(json.dumps(huge))


def test_words_for_people():
    assert ACCEPTED.describe({5: "stored <*>"}) == "+2 «stored <*>»; +2 «cache warmed in <DURATION>»"
    assert odd().describe({}) == "exactly this sequence"
