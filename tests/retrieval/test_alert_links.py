"""Alerts get their code and change in nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from logradar.core.tables import ALERTS, INCIDENTS
from logradar.retrieval.alert_links import AlertLinks
from logradar.retrieval.indexing import index_code
from logradar.retrieval.linker import Linker

pytest.importorskip("tree_sitter")


def alert(*bodies):
    filled = {field.name: None for field in ALERTS}
    texts = {"alert_id": "a", "session_id": "s", "detector": "d", "severity": "low"}
    evidence = [
        {"record_id": number, "source": "x.log", "line": 1, "timestamp": None, "level": None, "service": None,
         "body": body, "reason": "new", "expected": []} for number, body in enumerate(bodies)
    ]  # fmt: skip
    return filled | texts | {
        "services": [], "score": 1.0, "threshold": 0.5, "severity_score": 1.0, "severity_parts": [], "record_ids": [1],
        "evidence": evidence,
    }  # fmt: skip


@pytest.fixture
def links(tmp_path):
    (tmp_path / "a.py").write_text('def f():\n    log.info("disk %s is full", name)\n    log.info("all is well")\n')
    return AlertLinks(Linker(index_code(tmp_path)[0]))


def test_each_place_once_in_the_order_of_the_evidence(links):
    alerts = pa.Table.from_pylist(
        [alert("all is well", "disk a is full", "disk b is full", "else", None)], schema=ALERTS
    )
    linked = links.alerts(alerts)
    found = linked["code"][0].as_py()
    assert [(one["record_id"], one["path"], one["line"], one["function"]) for one in found] == [
        (0, "a.py", 3, "f"),
        (1, "a.py", 2, "f"),
    ]
    assert linked.drop_columns("code").equals(alerts.drop_columns("code"))


def test_an_empty_table_and_incidents_without_a_line(links):
    assert links.alerts(ALERTS.empty_table()).num_rows == 0
    assert links.incidents(INCIDENTS.empty_table()).num_rows == 0
