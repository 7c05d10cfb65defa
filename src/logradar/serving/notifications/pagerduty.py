"""PagerDuty: incidents as events of its Events API v2; the deduplication key is the id of the incident.

Source: https://developer.pagerduty.com/docs/send-alert-event and https://developer.pagerduty.com/docs/events-api-v2-overview.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from logradar.alerting.severity import PAGERDUTY as WORDS
from logradar.core.errors import ConfigError
from logradar.serving.notifications.address import Address
from logradar.serving.notifications.labels import ALERT_NAME
from logradar.serving.notifications.news import News, clipped, dashboard_url
from logradar.serving.notifications.receiver import Receiver, Request, Summary, delivery_of
from logradar.serving.notifications.settings import PAGERDUTY

_KEY: Final = re.compile(r"[A-Za-z0-9]{32}")
_SUMMARY: Final = 1_024  # characters that PagerDuty keeps
_NAME: Final = 250  # characters of names
_DETAIL: Final = 2_000  # characters of one detail


class PagerDuty(Receiver):
    """Sends incidents to the service whose integration (routing) key its variable of the environment holds."""

    def _address(self, secret: str) -> Address:
        if not _KEY.fullmatch(secret):
            raise ConfigError(
                f"{self.settings.secret_env} holds {len(secret)} characters; an integration key of PagerDuty's Events "
                "API v2 has 32 letters and digits."
            )
        return Address.at(self.settings.url or PAGERDUTY, variable=self.settings.secret_env or "", secret=True)

    def request(self, news: News) -> Request:
        """A trigger; for what is over a resolve."""
        event: dict[str, Any] = {
            "routing_key": self._secret,
            "event_action": "resolve" if news.over else "trigger",
            "dedup_key": clipped(str(news.incident["incident_id"]), 255),
        }
        if not news.over:
            details = {name: clipped(text, _DETAIL) for name, text in (*news.facts().items(), *news.story())}
            details |= {"Change": news.says, "Bundle": news.bundle, "Incident": news.incident["incident_id"]}
            event |= self._trigger(news.title, news.service, news.severity, details, news.url)
            if news.incident["started_at"]:
                event["payload"]["timestamp"] = news.incident["started_at"]
        return Request(orjson.dumps(event), delivery_of(news.key))

    def summary(self, summary: Summary) -> Request:
        """One trigger for all; a person resolves it."""
        details = {str(place): clipped(f"{one.says}, {one.severity}: {one.title}", _DETAIL)
                   for place, one in enumerate(summary.worst(), 1)}  # fmt: skip
        event = {"routing_key": self._secret, "event_action": "trigger", "dedup_key": delivery_of(summary.key)}
        event |= self._trigger(
            summary.title, "LogRadar", summary.severity, details, dashboard_url(self.whole.external_url)
        )
        return Request(orjson.dumps(event), delivery_of(summary.key))

    def _trigger(self, title: str, service: str, severity: str, details: dict[str, str], url: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "payload": {
                "summary": clipped(title, _SUMMARY),
                "source": clipped(service, _NAME),
                "severity": WORDS[severity],
                "component": clipped(service, _NAME),
                "class": ALERT_NAME,
                "custom_details": details,
            },
            "client": "LogRadar",
        }
        if self.whole.external_url:
            found |= {"client_url": dashboard_url(self.whole.external_url)}
        return found | {"links": [{"href": url, "text": "Open in LogRadar"}]} if url else found
