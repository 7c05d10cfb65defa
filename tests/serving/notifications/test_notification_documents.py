"""The documents of every receiver, of ordinary and of hostile logs: as documented, bounded, escaped, redacted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.serving.notifications.documents import check_event, check_message
from tests.serving.notifications.rows import BUNDLE, ROUTING_KEY, SIGNING, hostile_row, made, row, settings

from logradar.core.tables import SEVERITIES
from logradar.serving.notifications.receiver import Receiver, Summary

SLACK = "https://hooks.slack.com/services/T0/B0/s3cr3ts3cr3ts3cr3ts3cr3t"
CHANGES = ("opened", "raised", "again", "relabelled", "resolved", "merged", "test")
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "slack", "name": "slack", "secret_env": "S"},
    {"kind": "pagerduty", "name": "pagerduty", "secret_env": "P"},
    {"kind": "webhook", "name": "webhook", "url": "https://x.example/", "secret_env": "W"},
    {"kind": "alertmanager", "name": "alertmanager", "url": "https://x.example"},
)


def receiver(kind: str, **more: Any) -> Receiver:
    chosen = next(one for one in KINDS if one["kind"] == kind)
    (found,) = made(settings(chosen | more), S=SLACK, P=ROUTING_KEY, W=SIGNING)
    return found


def document(change: str, incident: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"change": change, "incident": incident, "before": before, "bundle": BUNDLE, "at": 1_800_000_000_000_000}


def written(one: Receiver, change: str, incident: dict[str, Any], before: dict[str, Any] | None = None) -> Any:
    request = one.request(*one.read([("key", document(change, incident, before))]))
    assert request is not None
    return json.loads(request.body)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [row, hostile_row])
def test_slack_and_pagerduty_get_what_they_document(change: str, make: Any) -> None:
    incident, before = make(severity="critical"), make(severity="medium")
    check_message(written(receiver("slack"), change, incident, before))
    one = receiver("pagerduty")
    request = one.request(*one.read([("key", document(change, incident, before))]))
    assert request is not None
    check_event(json.loads(request.body), request.body)


@pytest.mark.parametrize("make", [row, hostile_row])
def test_a_summary_is_as_documented_too(make: Any) -> None:
    for kind, check in (("slack", check_message), ("pagerduty", None), ("webhook", None), ("alertmanager", None)):
        one = receiver(kind)
        given = [(f"k{n}", document(CHANGES[n % 6], make(n, severity=SEVERITIES[n % 4]))) for n in range(60)]
        request = one.summary(Summary("summary/x/1", one.read(given)))
        found = json.loads(request.body)
        if check is not None:
            check(found)
        if kind == "pagerduty":
            check_event(found, request.body)
            assert found["payload"]["severity"] == "critical" and found["dedup_key"] == request.delivery
        if kind == "webhook":
            assert found["change"] == "summary" and len(found["incidents"]) == 60
        if kind != "alertmanager":
            assert "10 new, 10 more urgent, 10 going on again, 10 changed, 10 over and 10 part of others" in str(found)


@pytest.mark.parametrize("kind", [one["kind"] for one in KINDS])
def test_texts_are_redacted_unless_a_receiver_is_trusted(kind: str) -> None:
    for make in (row, hostile_row):
        masked = json.dumps(written(receiver(kind), "opened", make()), ensure_ascii=False)
        assert "bob@example.com" not in masked and "<EMAIL>" in masked.replace("&lt;", "<").replace("&gt;", ">")
        whole = json.dumps(written(receiver(kind, redact=False), "opened", make()), ensure_ascii=False)
        assert "bob@example.com" in whole


@pytest.mark.parametrize("kind", [one["kind"] for one in KINDS])
def test_hostile_text_hides_nothing_and_is_bounded(kind: str) -> None:
    one = receiver(kind)
    request = one.request(*one.read([("key", document("opened", hostile_row()))]))
    assert request is not None
    text = json.dumps(json.loads(request.body), ensure_ascii=False).replace("\\n", "")
    assert not any(sign in text for sign in ("\\u001b", "\\u0000", "\u202e", "\\r")) and "⟨ESC⟩" in text
    assert len(request.body) < 64_000
    assert all(secret not in text for secret in (SIGNING, SLACK, "s3cr3t"))
    assert (ROUTING_KEY in text) == (kind == "pagerduty")  # where the document has to hold it


def test_severities_of_pagerduty_and_its_actions() -> None:
    one = receiver("pagerduty")
    words = [written(one, "opened", row(severity=band))["payload"]["severity"] for band in SEVERITIES]
    assert words == ["info", "warning", "error", "critical"]
    raised, over = written(one, "raised", row()), written(one, "resolved", row(status="resolved"))
    assert (raised["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert raised["dedup_key"] == over["dedup_key"] == row()["incident_id"] and "payload" not in over
    assert raised["links"][0]["href"] == f"https://logs.example.com/radar/dashboard/incidents/{row()['incident_id']}"


def test_pagerduty_of_europe() -> None:
    one = receiver("pagerduty", url="https://events.eu.pagerduty.com/v2/enqueue")
    assert one.address.host == "events.eu.pagerduty.com"


def test_alerts_of_alertmanager_have_stable_labels() -> None:
    one = receiver("alertmanager")
    (alert,) = written(one, "opened", row(services=["payment", "cart"]))
    assert alert["labels"] == {
        "alertname": "LogRadarIncident",
        "incident_id": row()["incident_id"],
        "service": "cart",
        "severity": "high",
        "kind": row()["kind"],
        "bundle": BUNDLE,
    }
    assert set(alert) == {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    assert set(alert["annotations"]) == {"summary", "description", "url"}
    now, then = written(one, "raised", row(severity="critical"), row())
    assert (now["labels"]["severity"], then["labels"]["severity"]) == ("critical", "high")
    assert then["endsAt"] < now["endsAt"] and now["startsAt"] == then["startsAt"]


@pytest.mark.parametrize(
    "started", [None, "2999-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00", "2026-01-01T00:00:00"]
)
def test_an_alert_never_ends_before_it_begins(started: str | None) -> None:
    for change in ("opened", "resolved"):
        (alert,) = written(receiver("alertmanager"), change, row(started_at=started))
        assert alert["startsAt"] <= alert["endsAt"]


def test_a_webhook_gets_the_whole_incident() -> None:
    found = written(receiver("webhook"), "raised", row(severity="critical"), row())
    assert (found["type"], found["format"], found["change"], found["redacted"]) == (
        "logradar.incident",
        1,
        "raised",
        True,
    )
    (incident,) = found["incidents"]
    assert set(row()) < set(incident)
    assert (incident["severity_before"], incident["bundle"]) == ("high", BUNDLE)
    assert incident["url"].endswith(f"/incidents/{row()['incident_id']}")


def test_words_of_slack() -> None:
    one = receiver("slack")
    assert "Now critical (was high)" in str(written(one, "raised", row(severity="critical"), row()))
    assert "Part of incident ffff now" in str(written(one, "merged", row(merged_into="ffff")))
    assert "turned out to be normal" in str(written(one, "merged", row()))
    found = written(one, "opened", row())
    assert found["blocks"][0]["text"]["text"] == "high: New message in cart: «pool 1 is empty»"
    assert "First line (cart.log:12)\nERROR pool is empty" in found["blocks"][2]["text"]["text"]
