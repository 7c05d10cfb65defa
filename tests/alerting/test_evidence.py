"""Evidence: new messages and lines at WARN or worse come first, and the service named is theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from logradar.alerting.alerts import make_alerts
from logradar.alerting.evidence import EVIDENCE_SHOWN
from logradar.core.tables import FINDINGS, LOG_RECORDS, SCORES, SESSIONS, UNKNOWN

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
INFO, WARN, ERROR = 9, 13, 17


def alert(events: list[tuple[int, int | None, str, str]], findings: list[tuple[int | None, str]]) -> dict:
    """The alert of one session of (template id, level, service, body), with findings of (place, reason)."""
    records = [
        {"record_id": i, "timestamp": BEGIN + timedelta(seconds=i), "source": "a.log", "line": i + 1, "level": level}
        | {"service": service, "body": body}
        for i, (_, level, service, body) in enumerate(events)
    ]
    session = {
        "session_id": "s",
        "service": events[0][2],
        "start": BEGIN,
        "end": BEGIN + timedelta(seconds=len(events)),
        "record_ids": list(range(len(events))),
        "template_ids": [event[0] for event in events],
        "gaps": [0.0] * len(events),
        "max_level": max(event[1] or 0 for event in events) or None,
    }
    found = [
        {"session_id": "s", "position": place, "template_id": events[place][0] if place is not None else 4}
        | {"reason": reason, "weight": 1.0 / (rank + 1), "expected": []}
        for rank, (place, reason) in enumerate(findings)
    ]
    table = pa.Table.from_pylist(records, schema=LOG_RECORDS)
    made = make_alerts(
        pa.Table.from_pylist([session], schema=SESSIONS),
        pa.table([["s"], [2.0], pa.array([[]], pa.list_(pa.float32()))], schema=SCORES),
        pa.Table.from_pylist(found, schema=FINDINGS),
        {3: "step <*>", 4: "done"},
        lambda ids: table,
        detector="ngram",
        threshold=1.0,
        confidence=[0.8],
    )
    return made.to_pylist()[0]


def test_a_line_that_no_finding_names_is_shown_first_when_it_is_an_error():
    events = [(3, INFO, "web", f"step {i}") for i in range(8)] + [(5, ERROR, "pay", "bank gone")]
    found = alert(events, [(i, "unusual here") for i in range(6)])
    first = found["evidence"][0]
    assert (first["body"], first["reason"]) == ("bank gone", "a line of level ERROR")
    assert (first["level"], first["service"], first["timestamp"]) == (ERROR, "pay", BEGIN + timedelta(seconds=8))
    assert len(found["evidence"]) == EVIDENCE_SHOWN
    assert found["evidence"][1]["reason"] == "unusual here"


def test_new_messages_come_before_known_ones_and_warnings_before_informations():
    bodies = ["calm", "new note", "new warning", "known error", "new error"]
    events = [(3, INFO, "a", bodies[0]), (UNKNOWN, INFO, "a", bodies[1]), (UNKNOWN, WARN, "b", bodies[2])]
    events += [(6, ERROR, "c", bodies[3]), (UNKNOWN, ERROR, "d", bodies[4])]
    found = alert(events, [(0, "first finding")])
    told = [one["body"] for one in found["evidence"]]
    assert told == ["new error", "new warning", "new note", "known error", "calm"]
    assert (found["service"], found["services"]) == ("d", ["d", "b", "a", "c"])
    assert found["evidence"][2]["reason"] == "a message that is not in the training data"


def test_one_message_many_times_leaves_room_for_others():
    events = [(UNKNOWN, ERROR, "a", f"lost packet {i}") for i in range(20)] + [(UNKNOWN, INFO, "b", "leader changed")]
    found = alert(events, [(i, "never seen in training") for i in range(20)])
    assert [one["body"] for one in found["evidence"][:2]] == ["lost packet 0", "leader changed"]


def test_the_most_important_finding_is_never_left_out():
    events = [(UNKNOWN, ERROR, "a", f"broken {word}") for word in ("one", "two", "three", "four", "five", "six")]
    found = alert([*events, (3, INFO, "b", "step 1")], [(6, "too early")])
    assert found["evidence"][-1]["reason"] == "too early"
    assert len(found["evidence"]) == EVIDENCE_SHOWN


def test_a_session_as_a_whole_names_its_own_service_and_its_parts_are_kept():
    found = alert([(3, None, "web", "step 1"), (3, None, "db", "step 2")], [(None, "is missing")])
    assert (found["service"], found["services"], found["max_level"]) == ("web", ["web", "db"], None)
    assert found["evidence"][0]["reason"] == "«done» is missing"
    parts = {part["name"]: part["value"] for part in found["severity_parts"]}
    assert parts["confidence"] == 0.8
    assert set(parts) == {"confidence", "level", "services", "service_weight", "persistence"}
