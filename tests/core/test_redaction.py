"""Redaction: how well it does on the corpus, that it changes nothing twice, and that no line can stall it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.redaction_corpus import cases, measure

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.core.redaction.redactor import Redactor
from logradar.core.redaction.settings import NAMES, RedactionSettings
from logradar.core.tables import ALERTS, INCIDENTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "redaction.md"
MEGABYTE = 1_000_000
REDACTOR = Redactor()


def test_the_corpus_is_large_and_the_figures_of_the_page_are_those_measured() -> None:
    found = measure(REDACTOR.text)
    assert found.strings >= 150 and found.positive >= 100
    assert found.precision >= 0.98 and found.recall >= 0.98, found.wrong
    told = (
        f"{found.strings} strings, {found.positive} of them with {found.wanted} secrets: {found.right} are masked "
        f"(recall {found.recall:.3f}), of {found.made} masks {found.right} are right (precision {found.precision:.3f})"
    )
    assert told in " ".join(PAGE.read_text().split()), told


def test_every_rule_is_on_the_page_and_masks_something_of_the_corpus() -> None:
    page = PAGE.read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []
    texts = pl.Series([case.text for case in cases()])
    whole = REDACTOR.column(texts)
    for name in NAMES:
        without = Redactor(validated(RedactionSettings, {"keep": [name]}, "redaction")).column(texts)
        assert (without != whole).any(), name


def test_a_second_redaction_changes_nothing() -> None:
    once = REDACTOR.column(pl.Series([case.text for case in cases()]))
    assert REDACTOR.column(once).to_list() == once.to_list()


PIECES = [
    "a",
    "bob@example.com",
    "10.0.0.1",
    "::1",
    "2001:db8::1",
    "password=",
    "token=",
    '"',
    "'",
    "\\",
    ":",
    "=",
    ";",
]
PIECES += ["&", "://u:p@", "bearer ", "eyJ", "<IP>"]
PIECES += [" ", "\n", "4111 1111 1111 1111", "DE89370400440532013000", "Cookie: ", "phone: 030 123456"]
HOSTILE = [
    "a",
    "a@",
    "a@b.cc",
    "1.1.",
    "10.0.0.1 ",
    "eyJ",
    "password=",
    'password: "',
    "://a:",
    "://a:b@",
    "4111 ",
    "4",
]
HOSTILE += ["-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "fe80:", "::", "DE89 ", "phone:1", "bearer a", "cookie: "]
HOSTILE += ["sid=", "\\", '\\"', " ", "AKIA", "sk-", "é@", "%40", "authorization: digest ", "AA11 A"]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_no_mixture_is_changed_by_a_second_redaction(pieces: list[str]) -> None:
    once = REDACTOR.text("".join(pieces))
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_line_of_a_megabyte_ends(unit: str) -> None:
    """Where a rule went back over a text, this would take hours."""
    line = unit * (MEGABYTE // len(unit))
    assert len(REDACTOR.text(line)) <= 3 * MEGABYTE


def test_a_table_is_redacted_in_lists_and_structures_and_keeps_ids_numbers_and_nulls() -> None:
    evidence = dict.fromkeys(ALERTS.field("evidence").type.value_type.names) | {"expected": []}
    shown = [
        {**evidence, "record_id": 1, "source": "a.log", "line": 7, "body": "mail bob@example.com", "reason": "new",
         "expected": [{"template_id": 3, "template": "from 10.0.0.1", "probability": 0.5}]},
        evidence,
    ]  # fmt: skip
    row = {field.name: None for field in ALERTS} | {
        "alert_id": "4111111111111111", "session_id": "10.0.0.7", "service": "cart", "services": ["10.0.0.8", "cart"],
        "detector": "ngram", "score": 1.0, "threshold": 0.5, "severity": "high", "severity_score": 50.0,
        "severity_parts": [{"name": "confidence", "value": 0.5}], "record_ids": [1], "evidence": shown,
    }  # fmt: skip
    rows = [
        row,
        {**row, "service": None, "signature": '{"unseen":["?bob@example.com"]}', "evidence": []},
        {**row, "signature": '{"unseen":["?a"]}'},
    ]
    table = REDACTOR.table(pa.Table.from_pylist(rows, schema=ALERTS).slice(0))
    assert table.schema == ALERTS
    first, second, third = table.to_pylist()
    assert (
        first["alert_id"] == row["alert_id"] and first["session_id"] == "<IP>" and first["services"] == ["<IP>", "cart"]
    )
    assert first["evidence"][0]["body"] == "mail <EMAIL>" and first["evidence"][0]["line"] == 7
    assert first["evidence"][0]["expected"][0]["template"] == "from <IP>"
    assert first["evidence"][1]["body"] is None and first["service"] == "cart" and second["service"] is None
    assert second["signature"] is None, "half a signature would be a wrong one"
    assert third["signature"] == '{"unseen":["?a"]}'
    assert REDACTOR.table(table.slice(1)).to_pylist() == [second, third]
    assert REDACTOR.table(INCIDENTS.empty_table()).schema == INCIDENTS


def test_a_document_is_redacted_in_its_values() -> None:
    document = {
        "alerts": [{"alert_id": "4111111111111111", "body": "10.0.0.7", "n": 3, "signature": {"a": "10.0.0.7"}}]
    }
    found = REDACTOR.document(document)
    assert found == {"alerts": [{"alert_id": "4111111111111111", "body": "<IP>", "n": 3, "signature": None}]}
    assert json.loads(json.dumps(REDACTOR.document(["x", None, 1.5]))) == ["x", None, 1.5]
    assert REDACTOR.document({}) == {}


def test_rules_can_be_kept_and_added() -> None:
    extra = [{"regex": "cust-[0-9]+", "token": "<CUSTOMER>"}]
    settings = validated(RedactionSettings, {"keep": ["ip", "ipv6"], "extra": extra}, "redaction")
    assert Redactor(settings).text("cust-17 from 10.0.0.7 by a@b.io") == "<CUSTOMER> from 10.0.0.7 by <EMAIL>"
    for wrong, said in (
        ({"keep": ["ipv5"]}, "did you mean"),
        ({"extra": [{"regex": "(", "token": "<X>"}]}, "is not valid"),
        ({"extra": [{"regex": "a*", "token": "<X>"}]}, "matches empty text"),
        ({"extra": [{"regex": "X", "token": "<X>"}]}, "its own token"),
        ({"extra": [{"regex": "(?=a)b", "token": "<X>"}]}, "is not valid"),
        ({"extra": [{"regex": "a", "token": "$1"}]}, "token"),
    ):
        with pytest.raises(ConfigError, match=re.escape(said)):
            validated(RedactionSettings, wrong, "redaction")
