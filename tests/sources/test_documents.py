"""JSON documents with many events: each event is a record, whatever wraps it, however it is laid out."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from reading_lines import read, write

from logradar.core.quarantine import Quarantine
from logradar.sources.base import ReadLimits
from logradar.sources.opening.documents import read_events, shape_of
from logradar.sources.opening.opening import InputSettings, open_input

START = datetime(2024, 5, 3, 10, tzinfo=UTC)
COUNT = 300


def iso(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")


def cloudtrail() -> dict:
    return {
        "Records": [
            {
                "eventVersion": "1.08",
                "userIdentity": {"type": "IAMUser", "arn": 'arn:aws:iam::1:user/a"{[', "sessionContext": {"a": [{}]}},
                "eventTime": iso(number),
                "eventName": "GetObject",
                "resources": [{"ARN": "arn", "type": "AWS::S3::Object"}, {"ARN": "b"}],
            }
            for number in range(COUNT)
        ]
    }


def otlp() -> dict:
    def record(number: int) -> dict:
        return {
            "timeUnixNano": str(int((START + timedelta(seconds=number)).timestamp()) * 10**9),
            "severityNumber": 17,
            "severityText": "ERROR",
            "body": {"stringValue": f"order {number} failed"},
            "attributes": [
                {"key": "n", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}}
            ],
            "traceId": f"{number // 3:032x}",
        }

    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": f"svc-{place}"}}]},
                "scopeLogs": [
                    {
                        "scope": {"name": f"shop.part{part}"},
                        "logRecords": [record(place * 100 + part * 50 + n) for n in range(50)],
                    }
                    for part in (0, 1)
                ],
            }
            for place in (0, 1, 2)
        ]
    }


def plain() -> list:
    return [{"time": iso(n), "level": "info", "msg": f"line {n}", "tags": [{"a": 1}]} for n in range(COUNT)]


def hits() -> dict:
    rows = [
        {"_index": "logs", "_id": str(n), "_source": {"@timestamp": iso(n), "message": f"line {n}"}}
        for n in range(COUNT)
    ]
    return {"took": 3, "hits": {"total": {"value": COUNT}, "hits": rows}}


def cloudwatch() -> dict:
    return {
        "events": [{"timestamp": 1_714_730_400_000 + 1000 * n, "message": f"line {n}"} for n in range(COUNT)],
        "next": "x",
    }


def audit() -> dict:
    items = [
        {"kind": "Event", "stageTimestamp": iso(n), "verb": "get", "user": {"groups": ["a"]}} for n in range(COUNT)
    ]
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}


DOCUMENTS = {
    "cloudtrail": cloudtrail,
    "otlp": otlp,
    "array": plain,
    "hits": hits,
    "cloudwatch": cloudwatch,
    "audit": audit,
}
LAYOUTS = {"one line": None, "two": 2, "four": 4, "tabs": "\t", "none": 0}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", pytest.param("\r\n", marks=pytest.mark.slow)])
def test_every_event_is_a_record(tmp_path, name, layout, end):
    text = json.dumps(DOCUMENTS[name](), indent=LAYOUTS[layout]).replace("\n", end) + end
    found = []
    for block in (8_191, 8 << 20):
        quarantine = Quarantine()
        file = write(tmp_path / "trail.json", text)
        found.append(read(file, quarantine=quarantine, limits=ReadLimits(block=block)))
        assert not quarantine.count
    assert all(other.equals(found[0]) for other in found)
    assert len(found[0]) == COUNT
    if name != "audit":  # which field is the time there is not known to this file
        assert found[0]["timestamp"].to_list() == [START + timedelta(seconds=number) for number in range(COUNT)]
    lines = text.split("\n")
    assert all("{" in lines[line - 1] for line in found[0]["line"].to_list())
    assert found[0]["line"].n_unique() == (1 if LAYOUTS[layout] is None else COUNT)


def test_the_fields_of_opentelemetry(tmp_path):
    for layout in (None, 2):
        found = read(write(tmp_path / "logs.json", json.dumps(otlp(), indent=layout)), limits=ReadLimits(block=3_333))
        assert found["service"].to_list() == [f"svc-{number // 100}" for number in range(COUNT)]
        assert found["component"].to_list() == [f"shop.part{number // 50 % 2}" for number in range(COUNT)]
        assert found["body"].to_list() == [f"order {number} failed" for number in range(COUNT)]
        assert set(found["level"]) == {17}


def test_where_pieces_end_makes_no_difference():
    for document in (cloudtrail(), otlp(), hits()):
        text = json.dumps(document, indent=1).encode()
        whole = events_of(text, len(text))
        assert len(whole) == COUNT
        for size in (1, 7, 64, 1_000):
            assert events_of(text[:9_000], size) == whole[: len(events_of(text[:9_000], 9_000))]


def events_of(text: bytes, size: int) -> list[tuple[int, str]]:
    shape = shape_of(text[:9_000])
    assert shape is not None
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    blocks = read_events(pieces, shape, "x", Quarantine(), ReadLimits())
    return [row for block in blocks for row in block.frame.rows()]


def test_a_document_in_each_line(tmp_path):
    lines = [json.dumps(otlp())] * 3
    assert len(read(write(tmp_path / "logs.jsonl", "\n".join(lines)))) == 3 * COUNT


@pytest.mark.parametrize("between", ["", "\n", ",\n", "\n\n"])
@pytest.mark.parametrize("indent", [0, 1, 2, 4])
def test_objects_over_several_lines(tmp_path, between, indent):
    text = between.join(json.dumps(one, indent=indent) + "\n" for one in plain())
    found = read(write(tmp_path / "app.log", text), limits=ReadLimits(block=7_777))
    assert found["body"].to_list() == [f"line {number}" for number in range(COUNT)]
    assert found["timestamp"].null_count() == found["level"].null_count() == 0


def test_an_event_that_is_cut_is_told_and_loses_no_other(tmp_path):
    path = tmp_path / "q.jsonl"
    pretty = [json.dumps(one, indent=2) for one in plain()]
    pretty[100] = pretty[100][:40]  # inside a string
    pretty[200] = pretty[200][: pretty[200].index("tags") + 8]  # inside an array
    pretty.append(pretty[0][:50])
    quarantine = Quarantine(path)
    found = read(write(tmp_path / "app.log", "\n".join(pretty)), quarantine=quarantine, limits=ReadLimits(block=1_999))
    assert found["body"].to_list() == [f"line {number}" for number in range(COUNT) if number not in (100, 200)]
    assert dict(quarantine.reasons) == {"incomplete JSON event, left out": 3}
    line = 1 + sum(text.count("\n") + 1 for text in pretty[:100])
    assert f'"line": {line},' in path.read_text()


def test_a_document_whose_end_is_missing(tmp_path):
    text = json.dumps(cloudtrail())
    quarantine = Quarantine()
    found = read(write(tmp_path / "trail.json", text[: len(text) // 2]), quarantine=quarantine)
    assert 100 < len(found) <= 150
    assert dict(quarantine.reasons) == {"incomplete JSON event, left out": 1}


def test_an_event_that_is_too_long_is_told(tmp_path):
    events = plain()
    events[10]["msg"] = "x" * 300_000
    quarantine = Quarantine()
    limits = ReadLimits(line=100_000, block=1 << 14)
    assert len(read(write(tmp_path / "a.json", json.dumps(events)), quarantine=quarantine, limits=limits)) == COUNT - 1
    assert dict(quarantine.reasons) == {"JSON event too long, left out": 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"time": "2024-05-03T10:00:00Z", "msg": "a"}\n{"time": "2024-05-03T10:00:01Z", "msg": "b"}\n',
        '{"msg": "a", "items": [{"name": 1}]}\n{"msg": "b"}\n',
        "[2024-05-03 10:00:00] INFO a\n",
        "[ {not json\n",
        '{\n "name": "left-pad", "dependencies": [{"a": 1}]\n}\n',
        "{}\n",
        "",
    ],
)
def test_what_is_no_document(text):
    assert shape_of(text.encode()) is None


def test_a_document_is_recognised_by_its_content(tmp_path):
    for name in ("trail.json", "trail.log", "export"):
        with open_input(write(tmp_path / name, json.dumps(cloudtrail(), indent=1)), InputSettings()) as opened:
            assert sum(len(batch) for batch in opened.batches(None)) == COUNT
            assert opened.settings.format == "json"


@pytest.mark.slow
def test_a_document_of_a_gigabyte_needs_little_memory(tmp_path):
    one = json.dumps(plain())[1:-1].encode()
    with (tmp_path / "big.json").open("wb") as file:
        file.write(b"[" + one)
        for _ in range(10_000_000 // len(one) * 40):
            file.write(b"," + one)
        file.write(b"]")
    code = (
        "import sys; from pathlib import Path; from logradar.core.memory import peak_mb;"
        "from logradar.core.quarantine import Quarantine;"
        "from logradar.sources.opening.documents import read_lines_or_events;"
        "n = sum(len(b.lines) for b in read_lines_or_events(Path(sys.argv[1]), 'x', Quarantine()));"
        "print(n, round(peak_mb()))"
    )
    count, peak = subprocess.check_output([sys.executable, "-c", code, tmp_path / "big.json"]).split()
    assert int(count) == COUNT * (1 + 10_000_000 // len(one) * 40)
    assert int(peak) < 700


def test_the_small_case(cases_dir):
    found = read(cases_dir / "19-cloudtrail-one-record/trail.json")
    assert len(found) == 60
    assert found["timestamp"].null_count() == 0
