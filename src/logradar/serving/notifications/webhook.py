"""Webhook: incidents as JSON documents to any address, signed as Standard Webhooks says.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from logradar import __version__
from logradar.serving.notifications.address import Address
from logradar.serving.notifications.news import News
from logradar.serving.notifications.receiver import Receiver, Request, Summary, delivery_of

FORMAT: Final = 1
_LISTED: Final = 500  # incidents of a summary


class Webhook(Receiver):
    """Sends documents to the ``url`` of its settings; the variable of the environment holds what signs them."""

    def _address(self, secret: str) -> Address:
        return Address.at(str(self.settings.url), variable=self.settings.secret_env or "", signed_with=secret)

    def request(self, news: News) -> Request:
        """The whole incident, with its change."""
        return self._document(news.change, news.redacted, [_incident(news)], delivery_of(news.key))

    def summary(self, summary: Summary) -> Request:
        """All incidents of the storm, each with little more than its id."""
        rows = [
            {
                "change": one.change,
                **{name: one.incident[name] for name in ("incident_id", "status", "severity", "merged_into", "title")},
            }
            for one in summary.news[:_LISTED]
        ]
        redacted = all(one.redacted for one in summary.news)
        return self._document("summary", redacted, rows, delivery_of(summary.key), summary.title)

    def _document(
        self, change: str, redacted: bool, incidents: list[dict[str, Any]], delivery: str, title: str | None = None
    ) -> Request:
        document: dict[str, Any] = {
            "type": "logradar.incident",
            "format": FORMAT,
            "version": __version__,
            "id": delivery,
            "change": change,
            "redacted": redacted,
            "incidents": incidents,
        }
        return Request(orjson.dumps(document | {"title": title} if title else document), delivery)


def _incident(news: News) -> dict[str, Any]:
    """The row of INCIDENTS, with what changed."""
    was = news.before["severity"] if news.before else None
    more = {"change": news.change, "severity_before": was, "bundle": news.bundle, "url": news.url or None}
    return {**news.incident, **more}
