"""Validate: figures beside plain Python on the same files, faults with their exact places, labels, other logs."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources.day_samples import document, session, sessions

from logradar.core.errors import DataError, InputError
from logradar.core.quarantine import Quarantine
from logradar.model.settings import run_settings
from logradar.pipeline.inventory.days import day_files, inventory_of_days
from logradar.pipeline.prepare import prepare
from logradar.pipeline.validate import strictly, validate
from logradar.sources.radar.generate import DayShape, write_days


def facts_of(spec: object, output: Path | None = None, **given: object) -> dict[str, Any]:
    values = {f"input.{name}": value for name, value in given.items()}
    facts = validate(str(spec), run_settings(None, [], values), output=output)
    json.dumps(facts, allow_nan=False)
    return facts


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    return write_days(tmp_path_factory.mktemp("days"), 4, 300_000, 5, DayShape(distinct=200_000, length=40))


def reference(paths: list[Path]) -> dict[str, Any]:
    """The same figures from json.load and plain Python."""
    made = [json.loads(path.read_bytes()) for path in paths]
    every = [one for day in made for one in day]
    lengths = sorted(len(one["event_sequence"]) for one in every)
    contents = [json.dumps([one.get(key) for key in CONTENT]) for one in every]
    seen: set[int] = set()
    new = []
    for day in made:
        ids = {event for one in day for event in one["event_sequence"]}
        new.append(len(ids - seen))
        seen |= ids
    names = [one.get("service_name") or ("(empty)" if one.get("service_name") == "" else "unknown") for one in every]
    return {
        "records": sum(max(len(one["event_sequence"]), len(one.get("original_logs") or [])) for one in every),
        "sessions": len(every),
        "templates": len(seen),
        "distinct_sequences": len({tuple(one["event_sequence"]) for one in every}),
        "duplicate_sessions": len(every) - len(set(contents)),
        "repeated_session_ids": sum(len(day) - len({one["session_id"] for one in day}) for day in made),
        "mean_min_max": (round(float(np.mean(lengths)), 2), lengths[0], lengths[-1]),
        "with_error": sum(bool(one.get("has_error")) for one in every),
        "with_warn": sum(bool(one.get("has_warn")) for one in every),
        "services": Counter(names),
        "errors_by_service": Counter(name for name, one in zip(names, every, strict=True) if one.get("has_error")),
        "days": [(len(day), sum(bool(one.get("has_warn")) for one in day)) for day in made],
        "new": new,
        "lengths": Counter(lengths),
    }


CONTENT = ("event_sequence", "has_error", "has_warn", "service_name", "original_logs")


def same(facts: dict[str, Any], plain: dict[str, Any]) -> None:
    for key in ("records", "sessions", "templates", "distinct_sequences", "duplicate_sessions"):
        assert facts[key] == plain[key], key
    assert facts["repeated_session_ids"] == plain["repeated_session_ids"]
    assert (facts["with_error"], facts["with_warn"]) == (plain["with_error"], plain["with_warn"])
    length = facts["session_length"]
    assert (length["mean"], length["min"], length["max"]) == plain["mean_min_max"]
    assert {row["service"]: row["sessions"] for row in facts["by_service"]} == plain["services"]
    errors = {row["service"]: row["with_error"] for row in facts["by_service"] if row["with_error"]}
    assert errors == plain["errors_by_service"]
    assert [(row["sessions"], row["with_warn"]) for row in facts["by_day"]] == plain["days"]
    assert [row["new_templates"] for row in facts["by_day"]] == plain["new"]
    for low, high, count in facts["length_histogram"]:
        assert count == sum(many for length, many in plain["lengths"].items() if low <= length <= high)
    assert facts["vocabulary"]["growth"][-1] == [plain["sessions"], plain["templates"]]


def test_day_files_beside_plain_python(days):
    facts = facts_of(days[0].parent)
    same(facts, reference(days))
    assert facts["source"] == "radar_json"
    assert (facts["from"], facts["until"], facts["days"]) == ("2024-05-01", "2024-05-04", 4.0)
    assert facts["file_count"] == len(facts["by_file"]) == 4
    assert facts["bytes"] == sum(path.stat().st_size for path in days)
    assert facts["fault_kinds"] == [] and facts["lost"] == facts["quarantined"] == 0
    assert facts["labels"] == {"normal": 0, "anomalous": 0, "unknown": facts["sessions"]}
    assert facts["counted_exactly"] is True
    assert facts["error_share"] == round(facts["with_error"] / facts["sessions"], 6) > 0
    assert [row["key"] for row in facts["keys"]][:2] == ["session_id", "event_sequence"]
    assert {row["sessions"] for row in facts["keys"]} == {facts["sessions"]}
    strictly(facts)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(st.lists(sessions(), min_size=1, max_size=6), min_size=1, max_size=3))
def test_any_sound_sessions_beside_plain_python(made, tmp_path):
    paths = []
    for number, day in enumerate(made):
        paths.append(tmp_path / f"preprocessed_logs_2024-05-0{number + 1}.json")
        paths[-1].write_bytes(document(day))
    found = inventory_of_days(day_files(paths, {}), Quarantine())
    same(found, reference(paths))


def test_a_prepared_folder_gives_the_same_figures(days, tmp_path):
    prepare(str(days[0].parent), tmp_path / "p", run_settings(None, [], {}))
    one, two = facts_of(days[0].parent), facts_of(tmp_path / "p")
    assert two["source"] == "prepared_days"
    assert two["bytes"] == pytest.approx(sum(path.stat().st_size for path in tmp_path.glob("p/days/*")), abs=9)
    for facts in (one, two):
        for key in ("input", "source", "created", "seconds", "bytes"):
            del facts[key]
        for row in [*facts["by_day"], *facts["by_file"]]:
            del row["bytes"]
    assert one == two


def test_damage_is_told_with_file_and_byte(tmp_path):
    texts = [json.dumps(session(number)) for number in range(8)]
    texts[2] = texts[2].replace('"session_id": 2', '"session_id": "two"')
    texts[3] = texts[3][: len(texts[3]) // 2]
    texts[5] = '{"session_id": 5}'
    texts[6] = json.dumps({**session(6), "host": "a"})
    whole = "[" + ", ".join(texts) + "]"
    (tmp_path / "preprocessed_logs_2024-05-01.json").write_text(whole)
    fine = document([session(number) for number in range(5)]).decode()
    (tmp_path / "preprocessed_logs_2024-05-02.json").write_text(fine[: -len(texts[4]) // 2])
    packed = gzip.compress(fine.encode() * 40)
    (tmp_path / "preprocessed_logs_2024-05-03.json.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "preprocessed_logs_2024-05-04.json").touch()
    facts = facts_of(tmp_path, tmp_path / "out")
    cases = {
        (example["source"], example["offset"], kind["reason"], kind["kept"])
        for kind in facts["fault_kinds"]
        for example in kind["examples"]
    }
    one, two, three = (f"preprocessed_logs_2024-05-0{day}.json" for day in (1, 2, 3))
    assert {
        (one, whole.index(texts[2]), "session with a wrong type: session_id", False),
        (one, whole.index(texts[5]), "session without a required key: event_sequence", False),
        (one, whole.index('"host"'), "session with an unknown key, ignored", True),
        (two, fine.index(json.dumps(session(4))), "session truncated by the end of the file", False),
    } <= cases
    assert (one, whole.index(texts[3])) in {case[:2] for case in cases}
    assert any(case[0] == three + ".gz" and case[2] == "truncated gz file, its end is missing" for case in cases)
    assert any("empty" in case[2] for case in cases)
    assert facts["lost"] == sum(kind["count"] for kind in facts["fault_kinds"] if not kind["kept"])
    assert facts["faults"] == {kind["reason"]: kind["count"] for kind in facts["fault_kinds"]}
    assert {row["file"] for row in facts["by_file"] if row["lost"]} == {one, two, three + ".gz"}
    cases = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()]
    assert sum(case["count"] for case in cases) == facts["quarantined"]
    with pytest.raises(DataError, match="faults in"):
        strictly(facts)


def test_the_odd_byte_is_shown_where_it_is_far_from_the_beginning(tmp_path):
    long = session(1, original_logs=["x" * 300, "here is {the} fault", "y"])
    text = document([session(0), long]).decode().replace("the} fault", "the} fault\x01")
    (tmp_path / "day.json").write_text(text)
    [kind] = [kind for kind in facts_of(tmp_path / "day.json")["fault_kinds"] if not kind["kept"]]
    assert "here is {the} fault\x01" in kind["examples"][0]["near"]
    assert kind["examples"][0]["place"] == text.index("\x01")


def test_files_of_one_day_and_of_no_day(tmp_path):
    for name in ("a/p_2024-05-03.json", "b/p_2024-05-03.json", "b/p_2024-05-01.json", "b/later.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(document([session(1), session(2)]))
    facts = facts_of(f"{tmp_path}/*/*.json")
    assert [(row["day"], row["sessions"], row["files"]) for row in facts["by_day"]] == [
        ("2024-05-01", 2, 1),
        ("2024-05-03", 4, 2),
        ("later", 2, 1),
    ]
    assert (facts["missing_days"], facts["first_missing_days"]) == (1, ["2024-05-02"])
    assert set(facts["files"]) == {"a/p_2024-05-03.json", "b/p_2024-05-03.json", "b/p_2024-05-01.json", "b/later.json"}
    assert facts["duplicate_sessions"] == 6 and facts["repeated_session_ids"] == 0


def test_a_name_that_is_not_utf8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/day-\xff.json")
    Path(path).write_bytes(document([session(1)]))
    facts = facts_of(path)
    assert list(facts["files"]) == ["day-?.json"] and facts["input"].endswith("day-?.json")
    json.dumps(facts, ensure_ascii=False).encode()


def test_labels_of_day_files(days, tmp_path):
    first = json.loads(days[0].read_bytes())
    rows = [f"2024-05-01/{one['session_id']},{int(place < 3)}" for place, one in enumerate(first[:10])]
    (tmp_path / "labels.csv").write_text("\n".join(["key,label", *rows]))
    facts = facts_of(days[0].parent, labels=tmp_path / "labels.csv")
    assert facts["labels"] == {"normal": 7, "anomalous": 3, "unknown": facts["sessions"] - 10}
    (tmp_path / "labels.csv").write_text("key,label\nnobody,1\n")
    with pytest.raises(DataError, match="2024-05-0"):
        facts_of(days[0].parent, labels=tmp_path / "labels.csv")


def test_nothing_but_faults_is_an_inventory_too(tmp_path):
    (tmp_path / "day.json").write_text('[{"session_id": "a", "event_sequence": [1]}]')
    facts = facts_of(tmp_path / "day.json")
    assert (facts["sessions"], facts["lost"], facts["error_share"]) == (0, 1, None)
    assert facts["by_day"][0]["day"] == "day"


def test_day_files_from_stdin(days, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(days[0].read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    facts = facts_of("-")
    assert list(facts["files"]) == ["stdin"]
    assert facts["sessions"] == len(json.loads(days[0].read_bytes()))


LINES = [
    "2026-03-01 10:00:00,000 INFO shop [job=1a] started",
    "2026-03-01 10:00:01,000 WARN shop [job=1a] slow",
    "2026-03-01 10:00:02,000 ERROR shop [job=2b] failed",
    "2026-03-03 10:00:00,000 INFO shop [job=3c] started",
]


def test_other_logs_have_the_same_face(tmp_path, days):
    (tmp_path / "app.log").write_text("\n".join(LINES) + "\n" + "x" * 1_200_000 + "\n")
    facts = facts_of(tmp_path / "app.log", session_key="job=([0-9a-f]+)")
    missing = set(facts_of(days[0])) - set(facts)
    assert missing == {"keys", "padded_length", "by_file"}
    assert (facts["records"] >= 4, facts["sessions"] >= 3) == (True, True)
    by_day = {row["day"]: row for row in facts["by_day"]}
    assert (by_day["2026-03-01"]["sessions"], by_day["2026-03-03"]["sessions"]) == (2, 1)
    assert (by_day["2026-03-01"]["with_error"], by_day["2026-03-01"]["with_warn"]) == (1, 1)
    assert facts["first_missing_days"] == ["2026-03-02"]
    assert facts["with_error"] == facts["with_warn"] == 1
    assert sum(row["new_templates"] for row in facts["by_day"]) == facts["templates"] == facts["vocabulary"]["size"]
    [kind] = facts["fault_kinds"]
    assert (kind["count"], kind["kept"]) == (1, False)
    assert kind["examples"][0]["line"] == 5
    assert kind["examples"][0]["source"].endswith("app.log")


def test_sessions_of_lines_that_repeat(tmp_path):
    block = ["INFO begin", "INFO work on 7", "INFO end", "WARN again"]
    lines = [f"2026-03-01 10:00:{second:02} {text}" for second, text in enumerate(block * 6)]
    (tmp_path / "a.log").write_text("\n".join(lines) + "\n")
    given = run_settings(None, ["sessions.by=count", "sessions.size=4"], {})
    facts = validate(str(tmp_path / "a.log"), given)
    assert (facts["sessions"], facts["duplicate_sessions"], facts["distinct_sequences"]) == (6, 5, 1)
    assert (facts["with_error"], facts["with_warn"]) == (0, 6)
    assert facts["vocabulary"]["growth"][0] == [1, 1]
    assert facts["vocabulary"]["growth"][-1] == [24, facts["templates"]]


def test_lines_from_stdin_are_named_so(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(("\n".join(LINES * 5) + "\n").encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    facts = facts_of("-")
    assert facts["files"] == {"stdin": 20}
    assert facts["input"] == "-"


def test_real_hdfs(data_dir):
    facts = facts_of("hdfs", data_dir=data_dir)
    assert (facts["records"], facts["sessions"], facts["templates"]) == (176_483, 8_625, 19)
    assert facts["labels"] == {"normal": 8_337, "anomalous": 288, "unknown": 0}
    assert facts["levels"] == {"9": 169_096, "13": 7_387}
    assert sum(row["sessions"] for row in facts["by_day"]) == 8_625
    assert sum(row["records"] for row in facts["by_day"]) == 176_483


def test_places_that_cannot_be_written(days, tmp_path):
    (tmp_path / "file").touch()
    for output, words in (
        (tmp_path / "file", "is a file"),
        (days[0].parent, "holds the input"),
        (tmp_path / "file" / "page.html", "cannot be written"),
    ):
        with pytest.raises(InputError, match=words):
            facts_of(days[0].parent, output)


def test_a_small_id_that_equals_the_length_is_not_an_empty_sequence(tmp_path):
    sessions = [{"session_id": number, "event_sequence": events} for number, events in enumerate(([], [2, 0], [1]))]
    (tmp_path / "preprocessed_logs_2024-05-01.json").write_text(json.dumps(sessions))
    assert validate(str(tmp_path), run_settings())["distinct_sequences"] == 3


def test_what_was_read_doubtfully_is_in_the_document(tmp_path):
    file = tmp_path / "a.log"
    file.write_text("".join(f"order {n} was taken\n" for n in range(60)))
    facts = facts_of(file)
    assert f"Of all records of '{file}' no time is known." in facts["remarks"]
