"""The guide says where a line comes from, what is before it, who calls it and what changed; each place exists."""

from __future__ import annotations

import subprocess

import pytest

from logradar.retrieval.guide import Guide
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker

pytest.importorskip("tree_sitter")

PAY = """\
class Payments:
    def pay(self, order):
        log.info("payment of order %d begins", order)
        for step in (self._authorise, self._book):
            if order < 0:
                log.warning("order %d is negative", order)
                raise ValueError
            step(order)
        log.info("payment of order %d is settled", order)

    def _authorise(self, order):
        self.bank.ask(order)
        log.error("bank declined order %d", order)

    def _book(self, order):
        self.pay(order)
"""


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repo")
    (folder / "pay.py").write_text(PAY.replace("declined", "refused"))
    run = lambda *words: subprocess.run(  # noqa: E731
        ["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@y", *words], check=True, capture_output=True
    )
    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "Payments")
    (folder / "pay.py").write_text(PAY)
    run("commit", "-q", "-a", "-m", "A better word")
    return Guide(Linker(index_code(folder)[0]))


def lines(rows):
    return [row["line"] for row in rows]


def test_what_is_before_on_the_path_to_a_line(guide):
    found = guide.explain("payment of order 7 is settled")
    assert found["place"]["line"] == 9 and found["function"]["name"] == "Payments.pay"
    assert lines(found["before"]) == [3]  # not the warning: an exception follows it
    assert lines(found["after"]) == []
    inside = guide.explain("order 7 is negative")
    assert lines(inside["around"]) == [4, 5]
    assert lines(inside["before"]) == [3] and lines(inside["after"]) == [9]


def test_who_calls_it_and_what_it_called(guide):
    found = guide.explain("bank declined order 7")
    assert [(row["line"], row["function"], row["sure"]) for row in found["callers"]] == [(4, "Payments.pay", True)]
    assert [row["name"] for row in found["called_before"]] == ["ask"]
    assert lines(guide.explain("payment of order 7 begins")["callers"]) == [16]


def test_what_changed(guide):
    found = guide.explain("bank declined order 7")["commits"]
    assert [(row["subject"], row["of"]) for row in found] == [("A better word", "function"), ("Payments", "function")]
    assert [row["subject"] for row in guide.explain("payment of order 7 begins")["commits"]] == ["Payments"]


def test_without_the_repository_the_commits_are_those_of_the_file(guide):
    index = guide.index
    alone = type(index)(index.tables, {**index.facts, "repository": "/nowhere"})
    found = Guide(Linker(alone)).explain("payment of order 7 begins")["commits"]
    assert [(row["subject"], row["of"]) for row in found] == [("A better word", "file"), ("Payments", "file")]


def test_what_is_not_known_is_a_guess_or_nothing(guide):
    found = guide.explain("the bank was asked to authorise a payment")
    assert found["place"] is None and found["note"]
    assert found["guesses"][0]["function"] == "Payments._authorise"
    assert guide.explain("zzz")["guesses"] == []


def test_every_place_is_a_line_of_the_index(guide):
    for body in ("payment of order 7 begins", "order 7 is negative", "bank declined order 7", "authorise payment"):
        found = guide.explain(body)
        rows = [row for name in ("ties", "frames", "around", "before", "after", "called_before", "callers", "guesses")
                for row in found[name]]  # fmt: skip
        for row in [*rows, *([found["place"], found["function"]] if found["place"] else [])]:
            text = guide.index.line(guide.index.file_of[row["path"]], row["line"])
            assert row["text"] and text.startswith(row["text"][: len(text)])
