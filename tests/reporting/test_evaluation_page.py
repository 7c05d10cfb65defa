from __future__ import annotations

import json
import random
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from logradar.core.errors import InputError
from logradar.reporting.evaluation_page import write_report
from logradar.reporting.run_folder import Run

VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def page_of(folder: Path) -> tuple[str, Page]:
    text = write_report(folder).read_text(encoding="utf-8")
    return text, Page(text)


def closed(text: str, page: Page) -> None:
    """The page loads nothing, runs nothing, sends nothing."""
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "img"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith("#"), (tag, name, value)
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_the_report_of_real_hdfs(hdfs_run: Path) -> None:
    text, page = page_of(hdfs_run)
    closed(text, page)
    facts = json.loads((hdfs_run / "evaluation.json").read_text())
    # FIELD: a new count vector alone finds all 117 anomalies of the later half at P .886, F1 .940
    assert (facts["main"], facts["sessions"], facts["anomalies"]) == ("count_vector", 4313, 117)
    assert (round(facts["precision"], 3), facts["recall"], round(facts["f1"], 3)) == (0.886, 1.0, 0.94)
    assert facts["audit"]["time"]["overlap"] is False
    words = page.text
    assert "Found all 117 anomalies among 4,313 sessions, with 15 false alarms, about 37 a day." in words
    assert "no other detector beats it" in words
    assert "Trained, but not better than this rule without training on this data: pair_model." in words
    assert "None of the 117 test anomalies has a sequence that also occurs in training." in words
    assert "The 50 most urgent of 132; the other 82 are in alerts.json" in words
    assert "HDFS_2pct.log:" in words
    assert "expected instead" in words
    assert page.tags.count("figure") == 6
    assert sum(name == "class" and value == "alert panel" for _, name, value in page.attributes) == 50
    assert len(text) < 1_000_000


def test_the_report_of_generated_sessions_has_faults_and_services(shop_run: Path) -> None:
    text, page = page_of(shop_run)
    closed(text, page)
    assert "Every kind is found by at least one detector." in page.text
    assert "missing_step" in page.text
    assert page.tags.count("figure") == 7
    assert "By service" in page.text
    assert "threshold.quantile" in page.text


def test_alerts_take_their_label_from_the_scores_and_their_number_from_the_document(
    shop_run: Path, tmp_path: Path
) -> None:
    shutil.copy(shop_run / "scores.parquet", tmp_path)
    document = json.loads((shop_run / "alerts.json").read_text())
    for alert in document["alerts"]:
        del alert["label"]
    (tmp_path / "alerts.json").write_text(json.dumps({**document, "raised": 900}))
    _, page = page_of(tmp_path)
    assert page.text.count("a true anomaly") == len(document["alerts"]) == 28
    assert "The 28 most urgent of 900. " in page.text
    document["alerts"] *= 3
    (tmp_path / "alerts.json").write_text(json.dumps({**document, "raised": 900}))
    assert "The 50 most urgent of 900; 34 more are in alerts.json ." in page_of(tmp_path)[1].text


FILES = ["evaluation.json", "scores.parquet", "alerts.json", "run.json", "history.json"]


@pytest.mark.parametrize("kept", [*[[name] for name in FILES if name != "run.json"], ["alerts.json", "scores.parquet"]])
def test_what_is_missing_is_left_out(shop_run: Path, tmp_path: Path, kept: list[str]) -> None:
    for name in kept:
        shutil.copy(shop_run / name, tmp_path)
    text, page = page_of(tmp_path)
    closed(text, page)
    assert ("Detectors side by side" in page.text) == ("evaluation.json" in kept)
    assert ("expected instead" in page.text) == ("alerts.json" in kept)
    drawn = {"evaluation.json": 2, "scores.parquet": 1, "alerts.json": 0, "history.json": 1}
    timeline = int(len(kept) == 2)
    labelled = 2 * ("scores.parquet" in kept)
    assert page.tags.count("figure") == sum(drawn[name] for name in kept) + timeline + labelled


def test_a_detection_without_labels(shop_run: Path, tmp_path: Path) -> None:
    scores = pl.read_parquet(shop_run / "scores.parquet")
    scores.with_columns(pl.lit(None, pl.Boolean).alias("label")).write_parquet(tmp_path / "scores.parquet")
    document = json.loads((shop_run / "alerts.json").read_text())
    for alert in document["alerts"]:
        alert["label"] = None
    (tmp_path / "alerts.json").write_text(json.dumps(document))
    _, page = page_of(tmp_path)
    assert "28 of 750 sessions are anomalous." in page.text
    assert page.tags.count("figure") == 2  # timeline and histogram
    assert "anomalies" not in page.text.split("By service")[1].split("Alerts")[0]
    assert "a true anomaly" not in page.text


def test_hostile_log_lines_stay_text(tmp_path: Path) -> None:
    bodies = [
        "<script>alert(1)</script><img src=x onerror=alert(2)>",
        '"></bdi></span></li></ol></details><b onclick="x()">broken</b><!--',
        "\x1b[31mred\x00 \u202egnp.exe \ud800 مرحبا",
        "{{ 7 * 7 }}{% raw %}",
        "x" * 10_000,
        "y" * 200_000,
        "at Foo\n" * 5_000,
        "javascript:alert(1)",
        "",
    ]
    evidence = [
        {
            "record_id": i,
            "source": "/var/log/<app>'\".log",
            "line": i,
            "body": body,
            "reason": "<i>odd</i>" if i % 2 else None,
            "expected": [{"template_id": 3, "template": "<u>GET</u> <*>" + "z" * 9_000, "probability": 0.5}],
        }
        for i, body in enumerate(bodies)
    ]
    alerts = [
        {
            "alert_id": f"a{i}",
            "session_id": f"s{i}</b><script>",
            "service": "<svc>",
            "raised_at": "<when>",
            "detector": "<det>$_{",
            "score": float(i),
            "threshold": 0.5,
            "severity": '"><x>',
            "evidence": evidence,
            "label": None,
        }
        for i in range(500)
    ]
    document = {"records": 1, "sessions": 500, "quarantined": 2, "unknown_templates": 3, "alerts": alerts}
    (tmp_path / "alerts.json").write_text(json.dumps(document))
    (tmp_path / "run.json").write_text(json.dumps({"<k>": {"<s>": "<v>"}, "command": "logradar '<b>'"}))
    (tmp_path / "history.json").write_text(json.dumps({"<d>$": [{"epoch": 1.0, "loss": 2.0}]}))
    text, page = page_of(tmp_path)
    closed(text, page)
    assert not {"u", "x", "svc", "app", "k", "v", "d", "when", "det"} & set(page.tags)
    assert all(value.startswith("width:") for tag, name, value in page.attributes if tag == "i" and name == "style")
    assert "<script>alert(1)</script>" in page.text
    assert "⟨ESC⟩[31mred⟨NUL⟩ ⟨U+202E⟩gnp.exe ⟨U+D800⟩" in page.text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7 * 7 }}" in page.text
    assert "characters, to be read in the log only" in page.text
    assert len(text) < 8_000_000
    assert "The 50 most urgent of 500; the other 450" in page.text


def test_the_loss_of_several_objectives_is_named_with_each(tmp_path: Path) -> None:
    """LogBERT's loss is that of masked and of missing events together: the page says so, with both at the star."""
    best = {"loss": 0.34, "loss_masked": 0.2, "loss_missing": 0.43, "eval_loss": 0.31}
    rows = [
        {"epoch": 1, "eval_loss": 0.9, "eval_loss_masked": 0.8, "eval_loss_missing": 1.0},
        {"epoch": 2, **best, "eval_loss_masked": 0.182, "eval_loss_missing": 0.391},
        {"epoch": 3, "eval_loss": 0.5, "eval_loss_masked": 0.1, "eval_loss_missing": 0.7},
    ]
    (tmp_path / "history.json").write_text(json.dumps({"logbert": rows, "deeplog": [{"epoch": 1, "eval_loss": 0.4}]}))
    _, page = page_of(tmp_path)
    said = (
        "It is the loss of two objectives together: masked (0.182 in validation, 0.200 in training) and missing "
        "(0.391 in validation, 0.430 in training)."
    )
    assert page.text.count(said) == 1
    assert page.text.count("Loss by epoch") == 2


def test_the_history_of_a_training_in_progress_is_read(tmp_path: Path) -> None:
    """`report BUNDLE.training` while the networks train: what `training_history.json` of each member has so far."""
    for below in ("deeplog", "ensemble/logbert"):
        (tmp_path / below).mkdir(parents=True)
        rows = [{"epoch": 1, "loss": 2.0, "eval_loss": 1.5, "seconds": 3.0, "gpus": [{"index": 0, "watts": 350.0}]}]
        (tmp_path / below / "training_history.json").write_text(json.dumps(rows))
    _, page = page_of(tmp_path)
    assert "Training of deeplog and logbert" in page.text


def test_a_bundle_stays_sealed(shop_run: Path, tmp_path: Path) -> None:
    from logradar.core import bundle

    with bundle.writing(tmp_path / "shop.bundle", {"name": "shop", "version": "0.1.0"}) as folder:
        (folder / "deeplog").mkdir()
        shutil.copy(shop_run / "history.json", folder)
        rows = json.loads((shop_run / "history.json").read_text())["pair_model"]
        (folder / "deeplog" / "history.json").write_text(json.dumps(rows))
    path = write_report(tmp_path / "shop.bundle")
    assert path == tmp_path / "shop.bundle-report.html"
    assert "Training of pair_model and deeplog." in Page(path.read_text()).text
    bundle.verify(tmp_path / "shop.bundle")


def test_a_damaged_or_empty_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nothing to report"):
        write_report(tmp_path)
    cases = {
        "evaluation.json": ["{", "[1]", "\xff"],
        "alerts.json": ['{"alerts": 3}', '{"alerts": [3]}'],
        "history.json": ["nope"],
        "scores.parquet": ["not parquet"],
    }
    for name, texts in cases.items():
        for text in texts:
            (tmp_path / name).write_bytes(text.encode("latin-1"))
            with pytest.raises(InputError, match=re.escape(name)):
                Run.read(tmp_path)
        (tmp_path / name).unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_replaced_as_a_whole(shop_run: Path, tmp_path: Path) -> None:
    shutil.copy(shop_run / "history.json", tmp_path)
    (tmp_path / "report.html").write_text("old")
    assert "old" not in write_report(tmp_path).read_text()[:3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.json", "report.html"]


def test_values_of_an_unexpected_kind_do_not_break_the_page(shop_run: Path, tmp_path: Path) -> None:
    rng = random.Random(11)
    wrong = [None, "x", -1, float("inf"), float("nan"), [], {}, [1], {"a": 1}, True, "\ud800<"]
    documents = {name: json.loads((shop_run / name).read_text()) for name in ("evaluation.json", "alerts.json")}
    documents["alerts.json"]["alerts"] = documents["alerts.json"]["alerts"][:2]
    for name, document in documents.items():
        for _ in range(8):
            changed = json.loads(json.dumps(document))
            for _ in range(3):
                place = changed
                while isinstance(place, dict) and place:
                    key = rng.choice(list(place))
                    if not isinstance(place[key], dict) or rng.random() < 0.3:
                        place[key] = (
                            [rng.choice(wrong)] if key == "notes" else rng.choice(wrong) if key != "alerts" else []
                        )
                        break
                    place = place[key]
            (tmp_path / name).write_text(json.dumps(changed))
            page_of(tmp_path)
        (tmp_path / name).unlink()


def test_a_redacted_page_lies_beside_the_other_and_names_nobody(tmp_path):
    evidence = [{"record_id": 1, "source": "a.log", "line": 3, "body": "mail to bob@example.com from 10.0.0.7"}]
    alert = {"alert_id": "a1", "session_id": "10.0.0.7", "severity": "high", "score": 1.0, "evidence": evidence}
    (tmp_path / "alerts.json").write_text(json.dumps({"alerts": [alert]}))
    plain = write_report(tmp_path)
    assert "bob@example.com" in plain.read_text() and plain.name == "report.html"
    masked = write_report(tmp_path, redact=True)
    assert masked.name == "report-redacted.html" and plain.exists()
    assert "bob@" not in masked.read_text() and "10.0.0.7" not in masked.read_text()
    assert "&lt;EMAIL&gt; from &lt;IP&gt;" in masked.read_text()
    (tmp_path / "run.json").write_text(json.dumps({"redaction": {"keep": ["ip"]}}))
    assert "10.0.0.7" in write_report(tmp_path, redact=True).read_text()
