"""Alertmanager: incidents as alerts of its API v2, which Alertmanager groups, silences and routes.

An alert is known by its labels. While the incident is open it is sent again and again with a new end in the future, as
Prometheus does; so it is over by itself where LogRadar is gone for long. Where its band rises, the labels are others:
the same request ends the alert that was and begins the new one.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import orjson

from logradar.serving.notifications.address import Address, authorization
from logradar.serving.notifications.changes import RAISED, RELABELLED
from logradar.serving.notifications.labels import labels
from logradar.serving.notifications.news import News, clipped
from logradar.serving.notifications.receiver import Receiver, Request, Summary, delivery_of

PATH: Final = "/api/v2/alerts"
_TOGETHER: Final = 64  # alerts of one request
_SUMMARY: Final = 250  # characters of an annotation


class Alertmanager(Receiver):
    """Sends incidents to the Alertmanager at the ``url`` of its settings."""

    resends: ClassVar[bool] = True

    def _address(self, secret: str) -> Address:
        base = str(self.settings.url).rstrip("/").removesuffix(PATH)
        header = authorization(secret) if secret else ""
        return Address.at(base + PATH, variable=self.settings.secret_env or "", authorization=header)

    def request(self, news: News) -> Request | None:
        """The alert, and the end of the one before where its labels were others."""
        now = datetime.now(UTC)
        before = labels(news.before, news.bundle) if news.before else None
        if news.over:
            alerts = [_alert(news, before or labels(news.incident, news.bundle), now, now)]
        else:
            current = labels(news.incident, news.bundle)
            alerts = [_alert(news, current, now, now + self._expiry)]
            if before is not None and before != current and news.change in (RAISED, RELABELLED):
                alerts.append(_alert(news, before, now, now))
        return Request(orjson.dumps(alerts), delivery_of(news.key))

    def summary(self, summary: Summary) -> Request:
        """All of them: Alertmanager groups by itself, so the planner leaves none to a summary."""
        now = datetime.now(UTC)
        alerts = [
            _alert(one, labels(one.incident, one.bundle), now, now if one.over else now + self._expiry)
            for one in summary.news
        ]
        return Request(orjson.dumps(alerts), delivery_of(summary.key))

    def again(self, news: Sequence[News]) -> list[Request]:
        """Open incidents, with a new end in the future."""
        found, now = [], datetime.now(UTC)
        for first in range(0, len(news), _TOGETHER):
            some = news[first : first + _TOGETHER]
            alerts = [_alert(one, labels(one.incident, one.bundle), now, now + self._expiry) for one in some]
            found.append(Request(orjson.dumps(alerts), delivery_of(f"again/{self.settings.name}/{time.time_ns()}")))
        return found

    @property
    def _expiry(self) -> timedelta:
        return timedelta(seconds=self.settings.expires_seconds)


def _alert(news: News, names: Mapping[str, str], now: datetime, ends: datetime) -> dict[str, Any]:
    """A postable alert. It begins now at the latest, as it may not end before, and the clock of a log may run ahead."""
    started = news.incident["started_at"]
    begins = min(_moment(started), now) if started else datetime.fromtimestamp(news.at / 1e6, UTC)
    text = f"{news.says}: {news.title}" if news.over else news.title
    notes = {"summary": clipped(text, _SUMMARY), "description": news.text(), "url": news.url}
    alert = {
        "labels": {name: text for name, text in names.items() if text},
        "annotations": {name: text for name, text in notes.items() if text},
        "startsAt": min(begins, ends).isoformat(),
        "endsAt": ends.isoformat(),
    }
    return alert | {"generatorURL": news.url} if news.url else alert


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
