"""Outlets: where a detection sends what it finds while it runs, with the code that wrote it, and what is masked before.

What leaves the machine (a webhook) is redacted unless it is asked otherwise; what stays (files, prints) only where it
is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from logradar.alerting.endpoint import SECRET, Endpoint
from logradar.alerting.webhook import Webhook, WebhookPolicy
from logradar.core.redaction.redactor import Redactor
from logradar.core.redaction.settings import RedactionSettings
from logradar.retrieval.alert_links import AlertLinks
from logradar.scoring.stream import Step

OnStep = Callable[[Step], object]


@dataclass(frozen=True)
class Sharing:
    """Who gets what is found: the URL of a ``webhook``, or None; ``redact`` masks everything, nothing, or with None
    only what leaves the machine. ``code`` is the folder of a code index by which lines are linked to statements.
    """

    webhook: str | None = None
    redact: bool | None = None
    policy: WebhookPolicy = field(default_factory=WebhookPolicy)
    code: Path | None = None

    def endpoint(self) -> Endpoint | None:
        """Where the webhook is, with the secret of the environment; `ConfigError` for a URL that is not allowed."""
        return None if self.webhook is None else Endpoint.of(self.webhook, os.environ.get(SECRET))


NOBODY: Final = Sharing()


class Outlets:
    """The outlets of one detection, open while it runs."""

    def __init__(
        self, sharing: Sharing, settings: RedactionSettings, about: dict[str, Any], on_step: OnStep | None
    ) -> None:
        redactor = Redactor(settings)
        self._on_step = on_step
        self._links = None if sharing.code is None else AlertLinks.load(sharing.code)
        self._redactor = redactor if sharing.redact else None
        endpoint, leaves = sharing.endpoint(), None if sharing.redact is False else redactor.table
        self._webhook = None if endpoint is None else Webhook(endpoint, leaves, about, sharing.policy)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self._webhook is not None:
            self._stack.enter_context(self._webhook)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, value, trace)

    @property
    def early(self) -> bool:
        """Whether somebody waits for alerts of sessions that are not over."""
        return self._on_step is not None or self._webhook is not None

    def step(self, step: Step) -> None:
        """What one step of a stream has found."""
        if not any(map(len, (step.alerts, step.early, step.incidents, step.rate_changes, step.withdrawn))):
            return
        self.send(step.alerts, step.incidents, step.early, list(step.withdrawn))
        if self._on_step is not None:
            masked = map(self.table, (step.alerts, step.early, step.incidents, step.rate_changes))
            alerts, early, incidents, changes = masked
            self._on_step(Step(alerts, early, incidents, changes, withdrawn=step.withdrawn))

    def send(
        self, alerts: pa.Table, incidents: pa.Table, early: pa.Table | None = None, withdrawn: Sequence[str] = ()
    ) -> None:
        """Hand ALERTS and INCIDENTS to the webhook, if there is one, and the ids of early alerts that are none."""
        if self._webhook is not None:
            early = early if early is not None else alerts.slice(0, 0)
            linked = map(self._linked, (alerts, early, incidents))
            alerts, early, incidents = linked
            self._webhook.send(alerts, early=early, incidents=incidents, withdrawn=withdrawn)

    def table(self, table: pa.Table) -> pa.Table:
        """A table as it is written and printed here; ALERTS and INCIDENTS with the code that wrote their lines."""
        linked = self._linked(table)
        return linked if self._redactor is None else self._redactor.table(linked)

    def _linked(self, table: pa.Table) -> pa.Table:
        if self._links is None or "code" not in table.schema.names:
            return table
        return self._links.alerts(table) if "alert_id" in table.schema.names else self._links.incidents(table)

    def figures(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Figures as they are written and printed here; with those of the webhook."""
        sent = {} if self._webhook is None else {"webhook": self._webhook.figures()}
        masked = {"redacted": True} if self._redactor is not None else {}
        return {**(figures if self._redactor is None else self._redactor.document(figures)), **sent, **masked}
