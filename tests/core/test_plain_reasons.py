"""Reasons as people read them: every reason that a detector of the default ensemble can give has its sentence."""

from __future__ import annotations

import pytest

from logradar.core.plain_reasons import in_plain_words, of_one_line


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("new_template: never seen in training", "a message that is not in the training data (new_template)"),
        ("never seen in training", "a message that is not in the training data"),
        (
            "count_vector: 3 lines with messages that no training session has",
            "3 lines of this session are messages that are not in the training data; this is the first (count_vector)",
        ),
        (
            "«answer of manager took <*>» count_vector: missing: the nearest normal session has it once",
            "«answer of manager took …» is missing; the most similar normal session has it once (count_vector)",
        ),
        (
            "missing: the nearest normal session has it 3 times",
            "this message is missing; the most similar normal session has it 3 times",
        ),
        (
            "count_vector: too often: 9 times, the nearest normal session has it once",
            "this message is there 9 times; the most similar normal session has it once (count_vector)",
        ),
        (
            "too rarely: once, the nearest normal session has it 3 times",
            "this message is there only once; the most similar normal session has it 3 times",
        ),
        (
            "ngram: never followed the event before it in training",
            "in the training data this message never comes after the one before it (ngram)",
        ),
        ("no training session began with this", "no session of the training data begins with this message"),
        (
            "ngram: the session ends here; in training it never ended after these events",
            "the session ends here; in the training data none ends after these messages (ngram)",
        ),
        (
            "deeplog: surprising here: probability 0.02 %, rank 7 of 30; the end of the session was expected (98 %)",
            "this message had a probability of 0.02 % here; the end of the session was expected (98 %) (deeplog)",
        ),
        (
            "values: came 31.2 s after the event before; usually below 0.4 s",
            "came 31.2 s after the line before; usually below 0.4 s (values)",
        ),
        (
            "new_template: never seen in training; confirmed before as an anomaly (alert 9f)",
            "a message that is not in the training data (new_template); confirmed before as an anomaly (alert 9f)",
        ),
        ("a line of level ERROR", "a line of level ERROR"),
        ("my_detector: what it says", "what it says (my_detector)"),
        ("seen before: the same counts twice in training", "seen before: the same counts twice in training"),
        ("values: the 1st value is {x}, not a number", "the 1st value is {x}, not a number (values)"),
        ("", ""),
    ],
)
def test_a_reason_is_a_sentence(reason: str, words: str) -> None:
    assert in_plain_words(reason) == words


def test_what_a_line_says_is_said_once() -> None:
    new, words = "never seen in training", "a message that is not in the training data"
    assert of_one_line([f"new_template: {new}", "count_vector: 1 line with messages that no training session has"]) == [
        f"{words} (new_template)",
        None,
    ]
    after = "ngram: never followed the event before it in training"
    assert of_one_line([after, new]) == [None, words]
    assert of_one_line([after]) == ["in the training data this message never comes after the one before it (ngram)"]
    assert of_one_line([]) == []
