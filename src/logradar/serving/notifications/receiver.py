"""Receiver: one place that is told of incidents; each kind says in its own file what a request to it holds."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from logradar.core.formatting import joined
from logradar.core.redaction.redactor import Redactor
from logradar.core.tables import SEVERITIES
from logradar.serving.notifications.address import Address
from logradar.serving.notifications.changes import AGAIN, MERGED, OPENED, RAISED, RELABELLED, RESOLVED
from logradar.serving.notifications.news import News
from logradar.serving.notifications.settings import NotificationSettings, ReceiverSettings

NAMED: Final = 10  # incidents that a summary names
_COUNTED: Final = {
    OPENED: "new",
    RAISED: "more urgent",
    AGAIN: "going on again",
    RELABELLED: "changed",
    RESOLVED: "over",
    MERGED: "part of others",
}


@dataclass(frozen=True)
class Request:
    """A JSON ``body``; ``delivery`` is its id, the same at every try and after a restart."""

    body: bytes
    delivery: str


@dataclass(frozen=True)
class Summary:
    """The notifications of a storm that belong to one minute; ``key`` names it, ``news`` are all of them."""

    key: str
    news: Sequence[News]

    @property
    def severity(self) -> str:
        """The worst band of those that are not over; the lowest one where all are."""
        return max((one.severity for one in self.news if not one.over), key=SEVERITIES.index, default=SEVERITIES[0])

    @property
    def title(self) -> str:
        """One line that counts."""
        counts = Counter(one.change for one in self.news)
        parts = [f"{counts[change]:,} {word}" for change, word in _COUNTED.items() if counts[change]]
        return f"Many incidents at once: {joined(parts)}"

    def worst(self) -> list[News]:
        """The most urgent ones, those that are not over first."""
        rank = sorted(self.news, key=lambda one: (one.over, -one.incident["severity_score"]))
        return rank[:NAMED]


class Receiver(ABC):
    """A receiver that ``settings`` describe; ``secret`` is the value of its variable of the environment.

    ``whole`` are the settings of all. Raises `ConfigError` for an address or a secret that cannot be used.
    """

    resends: ClassVar[bool] = False  # whether open incidents are sent again and again

    def __init__(self, settings: ReceiverSettings, whole: NotificationSettings, secret: str) -> None:
        self.settings, self.whole = settings, whole
        self.address = self._address(secret)
        self._redactor = Redactor(whole.redaction) if settings.redact else None
        self._secret = secret

    @abstractmethod
    def _address(self, secret: str) -> Address:
        """Where documents go."""

    @abstractmethod
    def request(self, news: News) -> Request | None:
        """The request for one notification; None where nothing has to be sent."""

    @abstractmethod
    def summary(self, summary: Summary) -> Request:
        """The request for what was too much to be sent one by one."""

    def again(self, news: Sequence[News]) -> list[Request]:
        """Requests that say of open incidents that they are open; for a receiver that ``resends``."""
        return []

    def read(self, documents: Sequence[tuple[str, Mapping[str, Any]]]) -> list[News]:
        """The news of documents of the outbox, each with its key; redacted unless the settings leave that out."""
        return News.of(documents, self._redactor, self.whole.external_url)

    def fresh(self) -> Self:
        """The same with a connection of its own, for another thread."""
        return type(self)(self.settings, self.whole, self._secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.name}, {self.address.name})"


def delivery_of(key: str) -> str:
    """The id of a delivery: a hash of the notification's key, so that it is the same after a restart."""
    return f"msg_{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
