"""Statements of all languages are found, with level and message, and what is no log call is not."""

from __future__ import annotations

import pytest
from tests.retrieval.samples import SAMPLES

from logradar.retrieval.indexing import index_code
from logradar.retrieval.patterns import readable_pattern

pytest.importorskip("tree_sitter")


def said(folder):
    index, _ = index_code(folder)
    found: dict[int, tuple] = {}
    for row in index.tables["statements"].to_pylist():
        found.setdefault(row["line"], (row["line"], row["level"], []))[2].append(readable_pattern(row["pattern"]))
    return [found[line] for line in sorted(found)]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_statements_of_a_language(name, tmp_path):
    source, expected = SAMPLES[name]
    (tmp_path / name).write_text(source)
    assert said(tmp_path) == expected


def test_names_of_constants_in_other_files_are_read(tmp_path):
    (tmp_path / "Keys.java").write_text('class Keys { public static final String LIMIT = "app.limit"; }')
    (tmp_path / "A.java").write_text(
        'class A { void f() { LOG.info(Keys.LIMIT + " = " + n); LOG.info("{} is {}", Keys.LIMIT, n); } }'
    )
    assert [text for _, _, texts in said(tmp_path) for text in texts] == ["app.limit = <*>", "app.limit is <*>"]


def test_numbers_that_have_a_name_are_values(tmp_path):
    """They may be written in another way than in the source: 500_000 is 500000."""
    (tmp_path / "a.py").write_text(
        'LIMIT = 500_000\nlog.info("limit of %d is %d", n, LIMIT)\nlog.info("over " + str(LIMIT))\n'
    )
    assert [text for _, _, texts in said(tmp_path) for text in texts] == ["limit of <*> is <*>", "over <*>"]


def test_a_wrapper_in_another_file_is_discovered(tmp_path):
    (tmp_path / "a.py").write_text("def report_problem(text, *args):\n    log.error(text, *args)\n")
    (tmp_path / "b.py").write_text('def f():\n    report_problem("disk %s is full", 1)\n')
    assert said(tmp_path) == [(2, 17, ["disk <*> is full"])]


def test_a_broken_file_gives_what_can_be_read(tmp_path):
    (tmp_path / "a.py").write_text('log.info("before %d the break", n)\ndef f(:\n  )))\nlog.info("after it %d", n)\n')
    index, _ = index_code(tmp_path)
    assert index.figures()["broken_files"] == 1
    assert "before <*> the break" in [text for _, _, texts in said(tmp_path) for text in texts]


@pytest.mark.parametrize("depth", [10, 3_000])
def test_a_long_concatenation_ends(depth, tmp_path):
    parts = " + ".join(['"x "', "n"] * depth)
    (tmp_path / "A.java").write_text(f"class A {{ void f() {{ LOG.info({parts}); }} }}")
    assert len(said(tmp_path)) == 1


def test_deep_nesting_ends(tmp_path):
    (tmp_path / "a.py").write_text(f"log.info({'(' * 5_000}'deep text'{')' * 5_000})\n")
    (tmp_path / "b.js").write_text(f"{'[' * 20_000}\nlog.info('x y z')\n")
    index, _ = index_code(tmp_path)
    assert index.figures()["files"] == 2
