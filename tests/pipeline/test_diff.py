"""Diff: what is new, gone, more and less between runs; nothing where only names, numbers and the end differ."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from logradar.core.errors import ConfigError, LogRadarError
from logradar.pipeline.diff import diff
from logradar.sources.opening.opening import InputSettings

NOTHING = {"new": 0, "gone": 0, "more": 0, "less": 0}


def run(seed: int, host: str = "web-1", *, extra: tuple[str, ...] = (), retries: int = 3) -> str:
    """A log of two minutes: requests with other numbers, ports and hosts for each seed."""
    choose = random.Random(seed)
    lines = [f"INFO [http-{choose.randrange(99)}] shop.web - listening on {host}:{choose.randrange(1024, 65535)}"]
    lines += [
        f"INFO [worker-{choose.randrange(9)}] cart - order {choose.randrange(10**6)} took {choose.randrange(90)} ms"
        for _ in range(80)
    ]
    lines += [f"WARN [db-{n}] shop.db - retry {n} of connection {choose.randrange(10**8):x}" for n in range(retries)]
    lines += [*extra, "INFO [main] shop.web - shut down"]
    return "".join(f"2024-05-0{seed} 12:{n // 60:02}:{n % 60:02},000 {line}\n" for n, line in enumerate(lines))


def written(folder: Path, name: str, text: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def told(document: dict) -> list[tuple[str, str]]:
    return [(change["what"], change["text"].partition("\n")[0]) for change in document["changes"]]


TRACE = "ERROR [main] shop.pay - payment refused\njava.io.IOException: down\n\tat pay.Client.call(Client.java:{})"


def test_other_numbers_ports_threads_and_hosts_are_no_differences(tmp_path):
    good, bad = written(tmp_path, "good.log", run(1)), written(tmp_path, "bad.log", run(2, "web-7"))
    found = diff([good], bad, InputSettings())
    assert {what: found["counts"][what] for what in NOTHING} == NOTHING
    assert not found["new"]
    assert found["unusualness"] == 0


def test_the_same_file_twice_has_no_differences(tmp_path):
    good = written(tmp_path, "good.log", run(1, extra=(TRACE.format(7),)))
    found = diff([good], good, InputSettings())
    assert {what: found["counts"][what] for what in NOTHING} == NOTHING


def test_new_errors_come_first_and_are_beyond_chance(tmp_path):
    good = written(tmp_path, "good.log", run(1))
    extra = ("INFO [main] shop.web - cache warmed", TRACE.format(7), "FATAL [main] shop.web - giving up after 3 tries")
    found = diff([good], written(tmp_path, "bad.log", run(2, extra=extra)), InputSettings())
    assert told(found) == [("new", "giving up after 3 tries"), ("new", "payment refused"), ("new", "cache warmed")]
    first, second, _ = found["changes"]
    assert (first["level"], first["line"], first["good"], first["bad"]) == ("FATAL", 89, [0], 1)
    assert second["trace"] == {
        "exception": "java.io.IOException", "cause": None, "frames": ["pay.Client.call"], "cause_frame": None,
    }  # fmt: skip
    assert found["new"]


def test_a_trace_differs_by_its_frames_not_by_its_lines(tmp_path):
    good = written(tmp_path, "good.log", run(1, extra=(TRACE.format(7),)))
    same = written(tmp_path, "same.log", run(2, extra=(TRACE.format(99),)))
    other = written(tmp_path, "other.log", run(3, extra=(TRACE.format(7).replace("pay.Client", "tls.Socket"),)))
    assert told(diff([good], same, InputSettings())) == []
    assert ("new", "payment refused") in told(diff([good], other, InputSettings()))


def test_more_and_gone(tmp_path):
    good, bad = run(1), "".join(run(2, retries=60).splitlines(keepends=True)[:-1])
    found = diff([written(tmp_path, "good.log", good)], written(tmp_path, "bad.log", bad), InputSettings())
    assert [what for what, _ in told(found)] == ["more", "gone"]
    assert found["changes"][0]["bad"] == 60
    assert found["changes"][1]["source"].endswith("good.log")


def test_the_end_of_a_file_that_was_cut_off_is_no_difference(tmp_path):
    good = written(tmp_path, "good.log", run(1))
    bad = written(tmp_path, "bad.log", run(2).rstrip("\n").removesuffix("down") + "dow")
    found = diff([good], bad, InputSettings())
    assert found["counts"]["cut_off"] == 1
    assert found["counts"]["new"] == 0


def test_the_order_of_good_runs_and_of_files_does_not_matter(tmp_path):
    goods = [written(tmp_path, f"good-{seed}.log", run(seed, f"web-{seed}", retries=seed)) for seed in (1, 2, 3)]
    bad = written(tmp_path, "bad.log", run(4, extra=(TRACE.format(1), "INFO [main] shop.web - cache warmed")))
    one, other = (diff(order, bad, InputSettings()) for order in (goods, goods[::-1]))
    for key in ("unusualness", "new", "groups", "counts", "scale", "dispersion"):
        assert one[key] == other[key], key
    for left, right in zip(one["changes"], other["changes"], strict=True):
        assert {**left, "good": left["good"][::-1]} == right


def test_size_of_batches_does_not_matter(tmp_path):
    from logradar.sources.base import ReadLimits

    good = written(tmp_path, "good.log", run(1))
    bad = written(tmp_path, "bad.log", run(2, extra=(TRACE.format(1),), retries=40))
    whole, pieces = (
        {**diff([good], bad, InputSettings(limits=limits)), "created": ""}
        for limits in (ReadLimits(), ReadLimits(block=300, rows=7))
    )
    assert whole == pieces


def test_parts_of_one_log(tmp_path):
    log = written(tmp_path, "app.log", run(1) + run(2, extra=(TRACE.format(1),)))
    found = diff([log], None, InputSettings(), before="2024-05-02")
    assert [what for what, _ in told(found)] == ["new"]
    assert found["good"][0]["until"] < "2024-05-02" <= found["bad"]["from"]
    late = diff([log], None, InputSettings(), before="2024-05-02", after="2024-05-02T12:01:20+00:00")
    assert late["bad"]["records"] < found["bad"]["records"]


@pytest.mark.parametrize(
    ("good", "bad", "times", "sentence"),
    [
        (["good.log"], None, {}, "There is no bad run"),
        (["-", "good.log"], "good.log", {}, "'-' says that there is no good run"),
        (["good.log"], "good.log", {"before": "2024-05-01"}, "name one input and no other"),
        (["good.log"], None, {"before": "yesterday"}, "--before is a time such as"),
        (["good.log"], None, {"after": "2024-05-01"}, "needs --before"),
        (["good.log"], None, {"before": "2024-05-03", "after": "2024-05-02"}, "is earlier than --before"),
        (["good.log"], None, {"before": "2023-01-01"}, "--before leaves no record of"),
        (["good.log"], None, {"before": "2025-01-01"}, "--after leaves no record of"),
        (["good.log"], "empty.log", {}, "is empty"),
        (["absent.log"], "good.log", {}, "absent.log"),
        (["good.log"], "binary.log", {}, "binary.log"),
    ],
)
def test_wishes_that_cannot_be_met_are_sentences(tmp_path, monkeypatch, good, bad, times, sentence):
    monkeypatch.chdir(tmp_path)
    written(Path(), "good.log", run(1))
    Path("empty.log").write_bytes(b"")
    Path("binary.log").write_bytes(b"\x7fELF" + bytes(range(256)) * 50)
    with pytest.raises(LogRadarError, match=sentence):
        diff(good, bad, InputSettings(), **times)


def test_an_output_is_no_input(tmp_path):
    page = written(tmp_path, "good.html", run(1))
    with pytest.raises(LogRadarError, match="is read as input"):
        diff([page], page, InputSettings(), output=Path(page))
    with pytest.raises(ConfigError, match="has another ending"):
        diff([page], page, InputSettings(), output=tmp_path / "page.txt")


def test_one_line_and_no_level(tmp_path):
    one = written(tmp_path, "one.log", "hello\n")
    assert diff(["-"], one, InputSettings())["lines"][0]["text"] == "hello"
    assert diff([one], one, InputSettings())["changes"] == []


def test_a_colourful_build_log_without_a_good_run(tmp_path):
    lines = [
        "##[group]Build",
        *(f"\x1b[32mok\x1b[0m {n}" for n in range(300)),
        "\x1b[31mE   AssertionError: 1 != 2\x1b[0m",
    ]
    lines += ["##[endgroup]", "##[error]Process completed with exit code 1."]
    log = written(tmp_path, "ci.log", "".join(f"2024-05-01T12:00:00.0000000Z {line}\n" for line in lines))
    found = diff(["-"], log, InputSettings(), most=5)["lines"]
    assert {302: "E   AssertionError: 1 != 2", 304: "##[error]Process completed with exit code 1."}.items() <= {
        row["line"]: row["text"] for row in found[:3]
    }.items()


@pytest.mark.parametrize(("case", "good", "bad"), [("hdfs-12070", "good-run-log-2", "bad-run-log")])
def test_a_real_failure_is_told_from_a_second_good_run(data_dir, case, good, bad):
    folder = data_dir / "anduril" / case
    if not folder.is_dir():
        pytest.skip("no anduril in the real data")
    first = str(folder / "good-run-log.txt.xz")
    fine, failed = (diff([first], str(folder / f"{name}.txt.xz"), InputSettings()) for name in (good, bad))
    assert failed["unusualness"] > fine["unusualness"]
    assert (failed["new"], fine["new"]) == (True, False)
    assert any(text.startswith("recoverBlocks FAILED") for _, text in told(failed)[:10])
