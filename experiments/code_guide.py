"""Twenty questions about the simulated services, answered by the guide and graded by file and line.

    python experiments/code_guide.py

The answers were written by hand from the source code before the guide was asked: each is a set of texts that stand in
one line of a file, and their line numbers are looked up when the script runs. An answer is right where its part of the
guide holds all these lines and no line of a statement that the question rules out. Every place in the whole guide must
exist: its text must be what the file says there. No language model takes part. The commits of ``what changed`` are
those that ``git log -L`` gives for the lines of the function that is named here by its first line.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import logradar.simulation
from logradar.core.progress import quiet
from logradar.retrieval.guide import Guide
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker

HOME = Path(logradar.simulation.__file__).parent


class Question(NamedTuple):
    """``part`` of the guide is the answer; ``right`` and ``not_`` are (file, text of its line, lines below it)."""

    text: str
    line: str
    part: str
    right: tuple[tuple[Any, ...], ...]
    not_: tuple[tuple[Any, ...], ...] = ()


BEFORE = "What was logged before it on the same way?"
QUESTIONS = (
    Question("Where does this come from?", "bank declined 1299 cents for order 700042", "place",
             (("manager.py", "bank declined %d cents"),)),
    Question("Where does this come from?", "connection reset by manager on attempt 3, next attempt in 4 ms", "place",
             (("client.py", "pause = (50 << attempt)", 1),)),
    Question("Where does this come from?", "ranking model returned no score for 7 of 90 candidates", "place",
             (("research.py", "ranking model returned no score"),)),
    Question("Where does this come from?", "request not fulfilled: ledger_pool_exhausted", "place",
             (("gateway.py", "request not fulfilled"),)),
    Question("Where does this come from?", "served Orders.place in 120 ms", "place",
             (("client.py", "served %s in %d ms"),)),
    Question(BEFORE, "captured money for order 700042 after 90 ms", "called_before",
             (("manager.py", 'self._ask_bank("capture", order)'),)),
    Question(BEFORE, "payment for order 700042 settled", "before",
             (("manager.py", "payment of %d cents for order %d begins"),)),
    Question(BEFORE, "order 700042 is complete, total 5000 cents", "before",
             (("manager.py", "new order %d of user %d with %d products"),)),
    Question(BEFORE, "bank unreachable, capture of order 7 is abandoned", "before",
             (("manager.py", "sending %s request for order %d to the bank"),)),
    Question(BEFORE, "bank authorised 5 cents for order 7 in 3 ms", "before",
             (("manager.py", "customer confirmed payment of order"),), (("manager.py", "bank declined %d cents"),)),
    Question("Under which conditions is it logged?", "bank timed out on capture, attempt 2 of 3", "around",
             (("manager.py", "for attempt in range(1, TRIES + 1):"), ("manager.py", "except TooLate:"))),
    Question("Under which conditions is it logged?", "wrong password for account 12", "around",
             (("manager.py", "if self.world.chance(0.06):"),)),
    Question("Under which conditions is it logged?", "saving report 873975 failed", "around",
             (("manager.py", "except OSError:"),)),
    Question("Who calls it?", "bank needed 2500 ms for capture, that is slow", "callers",
             (("manager.py", '_ask_bank("authorisation", order)'), ("manager.py", '_ask_bank("capture", order)'),
              ("manager.py", '_ask_bank("refund", order)'))),
    Question("Who calls it?", "captured money for order 700042 after 90 ms", "callers",
             (("manager.py", "self.world.deliver((self._authorise, self._capture, self._book, self._confirm))"),)),
    Question("Who calls it?", "timeout while waiting for a ledger connection: 3000 ms, pool size 80", "callers",
             (("manager.py", "yield from self.ledger.connect()"),)),
    Question("Who calls it?", "refunded 500 cents of order 7 in 80 ms", "callers",
             (("gateway.py", "self.manager.payments.refund"),)),
    Question("Who calls it?", "denied access to user 5, token rejected 3 times", "callers",
             (("gateway.py", "yield from self.auth.check(request.user)"),)),
    Question("What changed in this function last?", "payment of 12 cents for order 7 begins", "commits",
             (("manager.py", "def pay(self, order: int, cents: int)"),)),
    Question("What changed in this function last?", "handed order 7 to carrier swift as shipment 9", "commits",
             (("manager.py", "def _ship(self, basket: Basket)"),)),
)  # fmt: skip


def lines_of(facts: tuple[tuple[Any, ...], ...]) -> set[tuple[str, int]]:
    """The first line of each text in its file, or the one that is so many lines below it."""
    found = set()
    for file, text, *below in facts:
        rows = (HOME / file).read_text().split("\n")
        found.add((file, next(number for number, row in enumerate(rows, 1) if text in row) + sum(below)))
    return found


def commits_of(file: str, first: int, last: int) -> list[str]:
    """The commits of lines, by git itself."""
    said = subprocess.run(
        ["git", "log", f"-L{first},{last}:{file}", "--no-patch", "--format=%H", "--max-count=5"],
        cwd=HOME, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return said.stdout.split()


def places(value: Any) -> list[tuple[str, int, str]]:
    """All places in a document of the guide."""
    found = []
    if isinstance(value, dict):
        if "path" in value and "line" in value:
            found.append((value["path"], value["line"], value["text"]))
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            found += places(one)
    return found


def right(question: Question, guide: dict[str, Any]) -> bool:
    """Whether the part of the guide that was asked for holds what was written down."""
    wanted, ruled_out = lines_of(question.right), lines_of(question.not_)
    if question.part == "commits":
        function = guide["function"]
        ((file, first),) = wanted
        told = [one["commit"] for one in guide["commits"]]
        return function["line"] == first and told == commits_of(file, first, function["end_line"])
    part = guide[question.part]
    given = {(one["path"], one["line"]) for one in (part if isinstance(part, list) else [part] if part else [])}
    return wanted <= given and not ruled_out & given


def main() -> None:
    """Ask all questions."""
    quiet(True)
    index, _ = index_code(HOME)
    guide = Guide(Linker(index))
    good = invented = cited = 0
    for number, question in enumerate(QUESTIONS, 1):
        found = guide.explain(question.line)
        passed = right(question, found)
        good += passed
        for path, line, text in places(found):
            cited += 1
            rows = (HOME / path).read_text().split("\n")
            there = " ".join(" ".join(rows[line - 1 : line + 7]).split())
            invented += not (0 < line <= len(rows) and there.startswith(text[:40]))
        print(f"{number:2} {'right' if passed else 'WRONG'}  {question.text} «{question.line}»")
    print(f"{good} of {len(QUESTIONS)} right; {invented} of {cited} places do not exist")


if __name__ == "__main__":
    main()
