"""What the documentation of PagerDuty and Slack says of their documents, as checks.

PagerDuty: https://developer.pagerduty.com/docs/send-alert-event and its limits; Slack:
https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/composition-objects/text-object
and https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

EVENT = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
MESSAGE = {"text", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media", "blocks"}
MENTION = re.compile(r"@(channel|here|everyone)|<!|<@|<#", re.IGNORECASE)


def check_event(document: dict[str, Any], body: bytes) -> None:
    """An event of PagerDuty's Events API v2."""
    assert len(body) < 512 * 1024
    assert set(document) <= EVENT
    assert re.fullmatch(r"[A-Za-z0-9]{32}", document["routing_key"])
    assert document["event_action"] in ("trigger", "acknowledge", "resolve")
    assert 0 < len(document["dedup_key"]) <= 255
    if document["event_action"] != "trigger":
        return
    payload = document["payload"]
    assert set(payload) <= PAYLOAD and {"summary", "source", "severity"} <= set(payload)
    assert 0 < len(payload["summary"]) <= 1024 and payload["source"]
    assert payload["severity"] in ("critical", "error", "warning", "info")
    assert "timestamp" not in payload or datetime.fromisoformat(payload["timestamp"]).tzinfo
    assert isinstance(payload["custom_details"], dict)
    assert all(isinstance(value, str) for value in payload["custom_details"].values())
    assert all(set(link) <= {"href", "text"} and link["href"] for link in document.get("links", ()))


def check_message(document: dict[str, Any]) -> None:
    """A message of an incoming webhook."""
    assert set(document) <= MESSAGE
    assert 0 < len(document["text"]) <= 4000
    assert 0 < len(document["blocks"]) <= 50
    assert not document["mrkdwn"] and document["parse"] == "none" and not document["link_names"]
    _escaped(document["text"])
    for block in document["blocks"]:
        KINDS[block["type"]](block)


def _header(block: dict[str, Any]) -> None:
    assert set(block) == {"type", "text"}
    _plain(block["text"], 150)


def _section(block: dict[str, Any]) -> None:
    assert set(block) in ({"type", "text"}, {"type", "fields"})
    if "text" in block:
        _plain(block["text"], 3000)
    else:
        assert 1 <= len(block["fields"]) <= 10
        for field in block["fields"]:
            _plain(field, 2000)


def _context(block: dict[str, Any]) -> None:
    assert set(block) == {"type", "elements"} and 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        if element["type"] == "mrkdwn":  # the link that LogRadar writes, and nothing else
            assert re.fullmatch(r"<https://logs\.example\.com/[\w/.-]*\|[A-Za-z ]+>", element["text"]), element
        else:
            _plain(element, 3000)


def _plain(text: dict[str, Any], longest: int) -> None:
    assert text["type"] == "plain_text" and text["emoji"] is False
    assert 1 <= len(text["text"]) <= longest
    _escaped(text["text"])


def _escaped(text: str) -> None:
    """No control character of Slack, no half of an entity, no mention, and nothing that nobody sees."""
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text), text
    assert not MENTION.search(text), text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text), text


KINDS = {"header": _header, "section": _section, "context": _context}
