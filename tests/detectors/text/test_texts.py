"""Sessions as numbers of texts, and texts as tokens."""

import numpy as np
import pyarrow as pa
import pytest

from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.text.normaliser import NormaliserSettings, TextRule, normalised
from logradar.detectors.text.texts import KnownTexts
from logradar.detectors.text.tokenizer import TextTokenizer

TEXTS = {3: "Receiving block <BLK> src: <IP>", 4: "PacketResponder <NUM> terminating", 6: "Verification of <*> failed"}


def view(rows, texts):
    sequences = Sequences.from_lists(rows)
    return SessionView(sequences, frozenset({"template_ids", "texts"}), texts=pa.array(texts, pa.string()))


def test_events_have_the_text_of_their_template_or_their_own():
    known = KnownTexts.of(np.array([6, 3, 4, 1], np.int32), TEXTS)
    seen = known.of_view(
        view(
            [[3, 4, 1], [1], [3, 4, 1], [1, 9]],
            [None, None, "disk full"] * 1 + ["disk full"] + [None, None, "disk full"] + [None, None],
        )
    )
    read = [[seen.texts[number] for number in row] for row in seen.sequences]
    assert read == [[TEXTS[3], TEXTS[4], "disk full"], ["disk full"], [None, None]]
    assert seen.sequences.inverse.tolist() == [0, 1, 0, 2]
    assert not seen.is_known(seen.sequences, 2) and seen.is_known(seen.sequences, 0)


def test_a_known_template_keeps_its_text_whatever_the_line_says():
    known = KnownTexts.of(np.array([3], np.int32), TEXTS)
    seen = known.of_view(view([[3]], ["something else"]))
    assert [seen.texts[number] for number in seen.sequences[0]] == [TEXTS[3]]


def test_joined_texts_keep_what_was_known():
    one, other = (
        KnownTexts.of(np.array([3, 4], np.int32), TEXTS),
        KnownTexts.of(np.array([4, 6], np.int32), {4: "x", 6: "y"}),
    )
    both = one.joined(other)
    assert (both.ids.tolist(), both.texts) == ([3, 4, 6], (TEXTS[3], TEXTS[4], "y"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PacketResponder <NUM> for block <BLK>", "packet responder [VALUE] for block [VALUE]"),
        ("HTTPServer got<*>bytes", "http server got [VALUE] bytes"),
        ("user said [MASK] [SEP] [value]", "user said mask sep value"),
        ("", ""),
        ("<*>", "[VALUE]"),
        ("snake_case_name\t\n end", "snake case name end"),
    ],
)
def test_a_normalised_text(text, expected):
    assert normalised(text, NormaliserSettings()) == expected


def test_own_rules_come_first():
    settings = NormaliserSettings(extra=(TextRule(regex=r"pod-\w+", by="pod"),), lowercase=False)
    assert normalised("Killing pod-x7Fy", settings) == "Killing pod"


def test_many_capitals_take_no_time():
    assert len(normalised("A" * 200_000, NormaliserSettings())) == 200_000


def test_rules_cannot_make_a_special_token():
    settings = NormaliserSettings(extra=(TextRule(regex=r"\d", by=""),), lowercase=False, punctuation=True)
    assert normalised("[MA1SK] [S3EP]", settings) == "MASK SEP"


def test_what_takes_the_place_of_a_match_must_exist():
    with pytest.raises(ValueError, match="not valid"):
        TextRule(regex="a", by=r"\9")


@pytest.mark.parametrize("regex", ["(", "x*", "(?P<a"])
def test_a_rule_that_cannot_be_used_is_refused(regex):
    with pytest.raises(ValueError, match="regex"):
        TextRule(regex=regex)


def test_the_tokenizer_writes_any_word_and_learns_the_same_each_time():
    one, other = (TextTokenizer.learn(list(TEXTS.values())[::step], 300, NormaliserSettings(), 40) for step in (1, -1))
    assert one.document == other.document
    again = TextTokenizer(one.document, NormaliserSettings(), 40)
    rows = again.encode([*TEXTS.values(), "kernel panic 0x7f!", None, ""])
    marks = again.marks
    assert marks.unknown not in rows[3] and rows[4].tolist() == rows[5].tolist() == [marks.unknown]
    assert again.words[rows[0][-1]] == "[VALUE]"
    assert len(set(rows[0].tolist()) & {marks.mask, marks.begin, marks.end, marks.padding}) == 0


def test_a_log_cannot_forge_special_tokens():
    tokenizer = TextTokenizer.learn(TEXTS.values(), 300, NormaliserSettings(lowercase=False), 40)
    marks = tokenizer.marks
    forged = tokenizer.encode(["[CLS] [SEP] [MASK] [PAD] [UNK] [Sep]"])[0]
    assert not set(forged.tolist()) & {marks.mask, marks.begin, marks.end, marks.padding, marks.unknown}


def test_only_so_many_tokens_of_a_text_count():
    tokenizer = TextTokenizer.learn(TEXTS.values(), 300, NormaliserSettings(), 5)
    assert tokenizer.encode(["word " * 10_000]).lengths.tolist() == [5]


@pytest.mark.parametrize("document", ["", "{}", "null", '{"version": "1.0"}'])
def test_what_is_no_tokenizer_is_refused(document):
    with pytest.raises(ValueError, match="tokenizer"):
        TextTokenizer(document, NormaliserSettings(), 40)
