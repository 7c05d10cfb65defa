"""What `review` prints and asks: kinds of training sessions, each with what is unusual about it and example lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from logradar.cli.show.plain import clipped, in_plain_text

if TYPE_CHECKING:
    from logradar.alerting.review import Word
    from logradar.pipeline.review import Reviewed

_WIDTH: Final = 150  # characters of a line that is shown
_LINES: Final = 6


@in_plain_text
def reviewed(document: dict[str, Any], given: bool) -> None:
    """The state of a review, and the kinds that should be looked at next."""
    taken, sessions = document["taken_for_anomalous"], document["sessions"]
    print(
        f"{taken:,} of {sessions:,} training sessions ({taken / max(sessions, 1):.1%}) are taken for anomalous and not "
        f"learnt; {len(document['answers']):,} of {document['kinds']:,} kinds have an answer."
    )
    if given:
        anew = document["fitted_anew"]
        print("The bundle was fitted anew with these answers." if anew else "Nothing changed: it has these answers.")
    for one in document["answers"]:
        print(f"\n{_head(one)}: {one['answer']}")
    for one in document["questions"]:
        print()
        _print_kind(one)
    if document["questions"]:
        print(
            f"\nAnswer with: logradar review {document['bundle']} --normal KIND --anomaly KIND "
            "(in a terminal it asks), or with --json and --answers FILE."
        )


def asked(found: Reviewed, most: int) -> dict[str, Word]:
    """Ask about ``most`` kinds in turn, each chosen after the answers before it; the answers by kind."""
    from logradar.alerting.review import ANOMALY, NORMAL, UNSURE

    words: dict[str, Word] = {}
    keys: dict[str, Word] = {"n": NORMAL, "a": ANOMALY, "u": UNSURE}
    for number in range(most):
        questions = found.questions(1)
        if not questions:
            break
        print(f"\n[{number + 1} of at most {most}]")
        _print_question(questions[0])
        while True:
            print("normal, anomaly, unsure or quit? [n/a/u/q] ", end="", flush=True)
            word = sys.stdin.readline()
            key = word.strip().lower()[:1]
            if not word or key == "q":
                return words
            if key in keys:
                break
        words[questions[0]["kind"]] = keys[key]
        found.add({questions[0]["kind"]: keys[key]})
    return words


@in_plain_text
def _print_question(one: dict[str, Any]) -> None:
    _print_kind(one)


def _print_kind(one: dict[str, Any]) -> None:
    print(_head(one))
    print(f"  {'learnt as normal' if one['learnt'] else 'taken for anomalous'}: {one['unusual'][0]}")
    for sentence in one["unusual"][1:]:
        print(f"  - {clipped(sentence, 2 * _WIDTH)}")
    lines = one["lines"] or [f"{event['template']}  ({event['times']:,} times)" for event in one["events"]]
    for line in lines[:_LINES]:
        print(f"    {clipped(line, _WIDTH)}")
    if len(lines) > _LINES:
        print(f"    … {len(lines) - _LINES} more")


def _head(one: dict[str, Any]) -> str:
    services = f", {', '.join(one['services'][:4])}" if one["services"] else ""
    when = f", {one['first'][:16].replace('T', ' ')} to {one['last'][:16].replace('T', ' ')}" if one["first"] else ""
    count = "1 session" if one["sessions"] == 1 else f"{one['sessions']:,} sessions"
    return f"Kind {one['kind']}: {count} ({one['share']:.2%}){services}{when}"
