"""`logradar code index`, `logradar code explain` and `detect --code`, as a user types them."""

from __future__ import annotations

import pytest
from tests.cli.shop import write_log

from logradar.model.settings import run_settings
from logradar.pipeline.code_index import index_repository
from logradar.pipeline.train import train

pytest.importorskip("tree_sitter")

WORKER = """\
class Worker:
    def work(self, job, queue):
        log.info("accepted from queue %s", queue)
        log.info("loaded %d rows", len(rows))
        if self.full():
            log.error("disk quota exceeded on volume %d", self.volume)
        log.info("wrote result to disk")
        log.info("finished")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("job")
    (home / "repo").mkdir()
    (home / "repo" / "worker.py").write_text(WORKER)
    index_repository(home / "repo", home / "index", url="https://x.example/{path}#L{line}")
    train(str(write_log(home / "app.log", 200, 1)), home / "bundle", run_settings())
    write_log(home / "new.log", 60, 2, broken=(20, 40), day=2)
    return home


def test_an_index_is_made_renewed_and_told(home, logradar, tmp_path):
    done = logradar("code", "index", home / "repo", "-o", tmp_path / "index")
    assert done.code == 0 and "5 log statements, 1 functions and 1 classes in 1 files" in done.out
    again = logradar("code", "index", home / "repo", "-o", tmp_path / "index", "--json").json
    assert again["reused"] == 1 and again["languages"] == {"python": 1}


def test_alerts_and_incidents_name_the_statement(home, logradar, tmp_path):
    plain = logradar("detect", home / "bundle", home / "new.log", "--json").json
    found = logradar("detect", home / "bundle", home / "new.log", "--json", "--code", home / "index").json
    first = found["alerts"][0]["code"][0]
    assert (first["path"], first["line"], first["function"]) == ("worker.py", 6, "Worker.work")
    assert first["url"] == "https://x.example/worker.py#L6"
    assert found["incidents"][0]["code"][0]["line"] == 6
    for row in [*found["alerts"], *found["incidents"]]:
        del row["code"]
    assert found == plain, "ids, scores and severities are those without an index"


@pytest.mark.parametrize(
    "header",
    [
        "2024/05/03-10:00:00.123456 7f12 [ERROR] ",
        "Dec  1 10:00:00 host app[123]: ",
        "I1201 10:00:00.123456       7 main.go:12] ",
        '{"level":50,"time":1714730400123,"msg":"',
    ],
)
def test_a_line_is_read_as_a_log_would_be(home, logradar, header):
    line = header + "disk quota exceeded on volume 7" + ('"}' if header.startswith("{") else "")
    found = logradar("code", "explain", line, "--code", home / "index", "--json").json["explained"][0]
    assert found["line"] == line and found["place"]["line"] == 6


def test_it_is_printed_and_on_the_page(home, logradar, tmp_path):
    page = tmp_path / "alerts.html"
    done = logradar("detect", home / "bundle", home / "new.log", "--code", home / "index", "-o", page)
    assert "code: worker.py:6 in Worker.work: log.error(" in done.out
    assert 'href="https://x.example/worker.py#L6"' in page.read_text()


def test_an_alert_is_explained(home, logradar, tmp_path):
    alerts = tmp_path / "alerts.json"
    found = logradar("detect", home / "bundle", home / "new.log", "-o", alerts, "--json").json
    name = found["alerts"][0]["alert_id"]
    done = logradar("code", "explain", name, "--alerts", alerts, "--code", home / "index")
    assert "comes from worker.py:6 in Worker.work (its message)" in done.out
    assert "worker.py:5  if self.full():" in done.out
    by_parquet = tmp_path / "alerts.parquet"
    logradar("detect", home / "bundle", home / "new.log", "-o", by_parquet)
    assert logradar("code", "explain", name, "--alerts", by_parquet, "--code", home / "index").out == done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0123456789abcdef"], "--alerts"),
        (["0123456789abcdef", "--alerts", "nowhere.json"], "cannot be read"),
        ([""], "empty"),
        (["a line", "--code", "nowhere"], "is no code index"),
    ],
)
def test_mistakes_are_said(home, logradar, words, said):
    words = words if "--code" in words else [*words, "--code", home / "index"]
    done = logradar("code", "explain", *words)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err


def test_a_bundle_is_no_index(home, logradar):
    done = logradar("detect", home / "bundle", home / "new.log", "--code", home / "bundle")
    assert done.code == 2 and "is a bundle and no code index" in done.err


def test_a_hostile_line_and_hostile_code_cannot_steer_the_terminal(home, logradar, tmp_path):
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "x.py").write_text('log.info("look \x1b]0;owned\x07 here now")  # \x1b[2J\n')
    logradar("code", "index", tmp_path / "repo", "-o", tmp_path / "index")
    done = logradar("code", "explain", "look \x1b[2J here", "--code", tmp_path / "index")
    assert done.code == 0 and "\x1b" not in done.out
