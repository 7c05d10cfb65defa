"""Slack: incidents as messages of an incoming webhook, in Block Kit.

Every text of a log stands in an object of type plain_text, where Slack reads no formatting, no mention and no link; the
only formatted text is the link to the dashboard, which holds nothing of a log. The control characters & < > are
escaped everywhere all the same.

Source: https://docs.slack.dev/reference/block-kit/blocks (limits) and https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import orjson

from logradar.core.errors import ConfigError
from logradar.serving.notifications.address import Address
from logradar.serving.notifications.changes import RAISED
from logradar.serving.notifications.news import News, clipped, dashboard_url
from logradar.serving.notifications.receiver import Receiver, Request, Summary, delivery_of

_HEADER: Final = 150  # characters of a header
_SECTION: Final = 2_900  # of 3000 of a section
_FIELD: Final = 1_900  # of 2000 of a field
_FIELDS: Final = 10
_NOTICE: Final = 600  # of the text that a phone shows
_MENTION: Final = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)
_JOINER: Final = "\u2060"  # parts the sign from the word, and takes no room


class Slack(Receiver):
    """Writes to the channel of the webhook whose URL its variable of the environment holds."""

    def _address(self, secret: str) -> Address:
        try:
            return Address.at(secret.strip(), variable=self.settings.secret_env or "", secret=True)
        except ConfigError as error:
            text = str(error)
            raise ConfigError(
                f"{self.settings.secret_env} holds no webhook URL: {text[:1].lower()}{text[1:]}"
            ) from None

    def request(self, news: News) -> Request:
        """A message: a webhook cannot change one that was sent, so what changes is a new one."""
        title = news.title if news.over else f"{news.severity}: {news.title}"
        facts = [_plain(f"{name}: {text}", _FIELD) for name, text in news.facts().items()]
        blocks = [_header(title), {"type": "section", "fields": facts[:_FIELDS]}]
        story = [] if news.over else news.story()
        blocks += [{"type": "section", "text": _plain(f"{name}\n{text}", _SECTION)} for name, text in story]
        blocks.append(_foot([news.says, f"incident {news.incident['incident_id']}"], news.url, "Open in LogRadar"))
        notice = news.says if news.over or news.change == RAISED else f"{news.says}, {news.severity}"
        return self._message(f"{notice}: {news.title}", blocks, news.key)

    def summary(self, summary: Summary) -> Request:
        """One message that counts, and names the most urgent ones."""
        lines = [f"{one.severity}, {one.says}: {clipped(one.title, 200)}" for one in summary.worst()]
        blocks = [_header(summary.title), {"type": "section", "text": _plain("\n".join(lines), _SECTION)}]
        blocks.append(
            _foot(["The most urgent ones are listed"], dashboard_url(self.whole.external_url), "All in LogRadar")
        )
        return self._message(summary.title, blocks, summary.key)

    def _message(self, notice: str, blocks: list[dict[str, Any]], key: str) -> Request:
        document = {
            "text": _escaped(notice, _NOTICE),
            "mrkdwn": False,
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": blocks,
        }
        return Request(orjson.dumps(document), delivery_of(key))


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(text, _HEADER)}


def _foot(texts: Iterable[str], url: str, name: str) -> dict[str, Any]:
    elements = [_plain(text, _FIELD) for text in texts]
    if url:
        safe = _entities(quote(url, safe=":/?#[]@!$&'()*+,;=%~-._"))
        link: dict[str, Any] = {"type": "mrkdwn", "text": f"<{safe}|{name}>", "verbatim": True}
        elements.append(link)
    return {"type": "context", "elements": elements}


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escaped(text, longest), "emoji": False}


def _escaped(text: str, longest: int) -> str:
    """The text with & < > as entities, at most so many characters; no entity is cut in the middle."""
    text = _MENTION.sub(f"@{_JOINER}", text) or "–"
    size = longest
    while len(found := _entities(clipped(text, size))) > longest:
        size -= max(1, (len(found) - longest) // 5)
    return found


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
