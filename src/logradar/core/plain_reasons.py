"""Reasons in plain words: what a detector says of a line, as a person on call reads it.

Detectors write short reasons, an ensemble puts the member's name in front, and signatures and files of alerts keep
them as they are. Here each is one sentence about the line that it is printed under, with the detector's name at its
end. A reason that is not known here stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ABOUT: Final = re.compile(r"«(?P<about>.*)» (?P<rest>.*)", re.DOTALL)  # the message that is missing
_MEMBER: Final = re.compile(r"(?P<member>[a-z][a-z0-9_]*): (?P<rest>.*)", re.DOTALL)
_BEHIND: Final = re.compile(r" \([a-z][a-z0-9_]*\)$")
_NO_MEMBER: Final = "missing"  # a word with a colon that no detector is called by
_NEW: Final = "a message that is not in the training data"
_AFTER: Final = "in the training data this message never comes after"
_NEAREST: Final = r"the nearest normal session has it (?P<normal>.+)"

_WORDS: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"never seen in training", _NEW),
        (r"never seen in training, (?P<how>(?:like|a bit like|unlike) .+)", _NEW + ", {how}"),
        (
            r"(?P<n>1) line with messages that no training session has",
            _NEW,
        ),
        (
            r"(?P<n>[\d,]+) lines with messages that no training session has",
            "{n} lines of this session are messages that are not in the training data; this is the first",
        ),
        (rf"missing: {_NEAREST}", "{subject} is missing; the most similar normal session has it {normal}"),
        (
            rf"too often: (?P<n>[^,]+), {_NEAREST}",
            "{subject} is there {n}; the most similar normal session has it {normal}",
        ),
        (
            rf"too rarely: (?P<n>[^,]+), {_NEAREST}",
            "{subject} is there only {n}; the most similar normal session has it {normal}",
        ),
        (
            r"never followed the event before it in training",
            f"{_AFTER} the one before it",
        ),
        (
            r"never followed the 1 events before it in training",
            f"{_AFTER} the one before it",
        ),
        (
            r"never followed the (?P<n>[\d,]+) events before it in training",
            f"{_AFTER} the {{n}} before it",
        ),
        (r"no training session began with this", "no session of the training data begins with this message"),
        (
            r"the session ends here; in training it never ended after these events",
            "the session ends here; in the training data none ends after these messages",
        ),
        (
            r"the session ends here, which is surprising: probability (?P<p>.+?), rank \d+ of \d+(?P<more>.*)",
            "the session ends here, which had a probability of {p}{more}",
        ),
        (
            r"surprising here: probability (?P<p>.+?), rank \d+ of \d+(?P<more>.*)",
            "this message had a probability of {p} here{more}",
        ),
        (
            r"too long: (?P<n>[\d,]+) events, (?P<expected>.+); this event is the first too many",
            "the session is too long: {n} lines, {expected}; this is the first too many",
        ),
        (
            r"too short: (?P<n>[\d,]+) events, (?P<expected>.+); this event is the last",
            "the session is too short: {n} lines, {expected}; this is the last",
        ),
        (r"came (?P<late>.+) after the event before; (?P<normal>.+)", "came {late} after the line before; {normal}"),
    )
)


def in_plain_words(reason: str) -> str:
    """A reason of the evidence as a sentence for people.

    >>> in_plain_words("ngram: never followed the 2 events before it in training")
    'in the training data this message never comes after the 2 before it (ngram)'
    >>> in_plain_words("«closed <*>» missing: the nearest normal session has it once")
    '«closed …» is missing; the most similar normal session has it once'
    """
    body, behind, confirmed = reason.partition("; confirmed before")
    about = _ABOUT.fullmatch(body)
    rest = about["rest"] if about else body
    named = _MEMBER.fullmatch(rest)
    member = named["member"] if named and named["member"] != _NO_MEMBER else None
    rest = named["rest"] if named and member else rest
    subject = f"«{about['about'].replace('<*>', '…')}»" if about else "this message"
    sentence = _sentence(rest, subject) or (f"{subject} {rest}" if about else rest)
    return sentence + (f" ({member})" if member else "") + behind + confirmed


def of_one_line(reasons: Sequence[str]) -> list[str | None]:
    """Reasons about one line as sentences; None for one that says no more than another one.

    A message that is not in the training data came after no other there, so that is not said too.

    >>> of_one_line(["ngram: never followed the event before it in training", "new_template: never seen in training"])
    [None, 'a message that is not in the training data (new_template)']
    """
    sentences = [in_plain_words(reason) for reason in reasons]
    new = any(one.startswith(_NEW) for one in sentences)
    found: list[str | None] = []
    for one in sentences:
        again = any(other is not None and _bare(other) == _bare(one) for other in found)
        found.append(None if again or (new and one.startswith(_AFTER)) else one)
    return found


def _bare(sentence: str) -> str:
    """A sentence without the name of the detector."""
    return _BEHIND.sub("", sentence)


def _sentence(rest: str, subject: str) -> str | None:
    for pattern, words in _WORDS:
        if (found := pattern.fullmatch(rest)) is not None:
            return words.format(subject=subject, **found.groupdict())
    return None
