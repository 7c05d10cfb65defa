"""An index is the same by whatever way it came about, and nothing in a repository can hurt."""

from __future__ import annotations

import json
import os
import random
import subprocess

import pyarrow as pa
import pytest

from logradar.core.errors import ConfigError, InputError
from logradar.pipeline.code_index import index_repository
from logradar.retrieval.code_index import CodeIndex
from logradar.retrieval.indexing import index_code

pytest.importorskip("tree_sitter")

FIRST = {
    "a.py": 'def report(text):\n    log.error(text)\n\n\ndef f():\n    report("from a file %d")\n',
    "b.py": 'LIMIT_NAME = "app.limit"\ndef g():\n    report("from b")\n    f()\n',
    "src/C.java": 'class C { void f() { LOG.info(Other.LIMIT_NAME + " is set"); } }\n',
    "d.go": 'package d\nfunc f() { log.Printf("go %d", 1) }\n',
}
CHANGES = [
    {"a.py": 'def other(text):\n    log.error(text)\n\n\ndef f():\n    other("from a %d")\n'},
    {"b.py": 'LIMIT_NAME = "app.other"\ndef g():\n    report("from b, changed")\n'},
    {"e.py": 'def h():\n    report("new file")\n', "d.go": None},
    {"a.py": FIRST["a.py"]},
]


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def content(index):
    return {name: table.to_pylist() for name, table in index.tables.items()}


@pytest.mark.parametrize("seed", range(4))
def test_renewed_is_equal_to_made_anew(seed, tmp_path):
    write(tmp_path, FIRST)
    index, _ = index_code(tmp_path)
    for change in random.Random(seed).sample(CHANGES, len(CHANGES)):
        write(tmp_path, change)
        index, _ = index_code(tmp_path, before=index)
        assert content(index) == content(index_code(tmp_path)[0])


def test_what_did_not_change_is_not_read_again(tmp_path):
    write(tmp_path, FIRST)
    index, _ = index_code(tmp_path)
    write(tmp_path, {"d.go": "package d\n"})
    assert index_code(tmp_path, before=index)[0].facts["reused"] == 3
    index.facts["rules"] -= 1  # of an earlier version, which found other statements
    assert index_code(tmp_path, before=index)[0].facts["reused"] == 0


def test_an_index_is_written_verified_and_read(tmp_path):
    write(tmp_path / "repo", FIRST)
    found = index_repository(tmp_path / "repo", tmp_path / "index", url="https://x.example/{path}#L{line}")
    assert found["statements"] == 4 and found["wrappers"] == 1
    index = CodeIndex.load(tmp_path / "index")
    assert content(index) == content(index_code(tmp_path / "repo")[0])
    again = index_repository(tmp_path / "repo", tmp_path / "index")
    assert again["reused"] == 4 and again["url"] == "https://x.example/{path}#L{line}"
    (tmp_path / "index" / "calls.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="another checksum"):
        CodeIndex.load(tmp_path / "index")


def test_a_row_that_does_not_exist_is_refused(tmp_path):
    write(tmp_path / "repo", FIRST)
    index, _ = index_code(tmp_path / "repo")
    schema = index.tables["statements"].schema
    rows = [{**row, "function": 9_999} for row in index.tables["statements"].to_pylist()]
    broken = pa.Table.from_pylist(rows, schema=schema)
    CodeIndex({**index.tables, "statements": broken}, index.facts).save(tmp_path / "index")
    with pytest.raises(InputError, match="names a row that does not exist"):
        CodeIndex.load(tmp_path / "index")


@pytest.mark.parametrize("what", ["nothing", "empty", "file"])
def test_no_source_code_is_said(what, tmp_path):
    folder = tmp_path / "x"
    if what == "empty":
        folder.mkdir()
    if what == "file":
        folder.write_text("x")
    with pytest.raises(InputError):
        index_code(folder)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)//{path}", "https://host/x", "https://me:secret@host/{path}", "file:///{path}"]
)
def test_a_pattern_of_links_must_be_one(url, tmp_path):
    with pytest.raises(ConfigError, match="no pattern of links"):
        index_repository(tmp_path, tmp_path / "index", url=url)


def test_a_bundle_is_never_replaced(tmp_path):
    write(tmp_path / "repo", FIRST)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="no code index"):
        index_repository(tmp_path / "repo", tmp_path / "bundle")


def test_hostile_files_are_counted_and_left_out(tmp_path):
    write(tmp_path, {"good.py": 'log.info("all is good here")\n', "binary.py": "\x00\x01", "large.py": "#" * (3 << 20)})
    (tmp_path / "latin.py").write_bytes(b'log.info("caf\xe9 is open now")\n')
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    (tmp_path / os.fsdecode(b"odd\xff.py")).write_text("x = 1\n")
    (tmp_path / "line\nfeed\x1b[2J.py").write_text('log.info("name with a feed")\n')
    (tmp_path / "empty.py").write_text("")
    index, skipped = index_code(tmp_path)
    assert dict(skipped.counts) == {"binary": 1, "too large": 1, "link or no file": 1, "name is not UTF-8": 1}
    assert set(index.paths) == {"good.py", "latin.py", "line\nfeed\x1b[2J.py", "empty.py"}


def test_git_says_which_files_and_what_changed_and_starts_nothing(tmp_path):
    write(tmp_path, {**FIRST, ".gitignore": "ignored.py\n", "ignored.py": 'log.info("not to be read")\n'})
    marker = tmp_path / "started"
    run = lambda *words: subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True)  # noqa: E731
    run("init", "-q")
    run("-c", "user.name=x", "-c", "user.email=x@y", "add", ".")
    run("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "first \x1b[2J commit")
    for name, command in (("core.fsmonitor", f"touch {marker}"), ("filter.x.clean", f"touch {marker}; cat"),
                          ("diff.external", f"touch {marker}"), ("core.pager", f"touch {marker}")):  # fmt: skip
        run("config", name, command)
    (tmp_path / ".gitattributes").write_text("*.py filter=x diff=x\n")
    index, _ = index_code(tmp_path)
    assert "ignored.py" not in index.paths
    assert index.facts["clean"] is True and len(index.commit) == 40
    assert index.tables["commits"]["subject"].to_pylist()[0] == "first ·[2J commit"
    (tmp_path / "b.py").write_text("x = 1\n")
    assert index_code(tmp_path, before=index)[0].facts["clean"] is False
    assert not marker.exists()


def test_the_manifest_is_json_for_people(tmp_path):
    write(tmp_path / "repo", FIRST)
    index_repository(tmp_path / "repo", tmp_path / "index")
    assert json.loads((tmp_path / "index" / "manifest.json").read_text())["kind"] == "code index"
