"""Settings of notifications: the receivers, what each of them wants to know, and where its secret is.

A secret never stands in the file: a setting names the variable of the environment that holds it. Where a value may be
a secret that was put into the wrong place, the error does not repeat it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from logradar.alerting.endpoint import Endpoint
from logradar.core.config import Config
from logradar.core.errors import ConfigError
from logradar.core.redaction.settings import RedactionSettings
from logradar.core.tables import SEVERITIES

PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
Kind = Literal["alertmanager", "pagerduty", "slack", "webhook"]
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_HIDDEN: Final = "…"
_SHOWN: Final = frozenset({"kind", "name", "min_severity", "send_resolved", "redact", "most_per_minute"})
_LITERAL: Final = frozenset(
    {"secret", "token", "password", "routing_key", "integration_key", "api_key", "bearer_token", "webhook_url"}
)


class ReceiverSettings(Config):
    """One receiver of notifications."""

    kind: Kind = Field(description="what it speaks")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="your name for it; it is part of ids")
    url: str | None = Field(
        None,
        description="address: of Alertmanager without /api/v2/alerts, of a webhook whole, of PagerDuty only where it "
        "is not that of the US; none for Slack, where the address is the secret",
    )
    secret_env: str | None = Field(
        None,
        description="variable of the environment that holds the secret: PagerDuty's routing key, Slack's webhook URL, "
        "what signs a webhook, a bearer token or user:password of Alertmanager",
    )
    min_severity: Literal["low", "medium", "high", "critical"] = Field(
        "medium", description="incidents below this band are not sent"
    )
    services: tuple[str, ...] = Field(("*",), description="globs; one service of the incident has to match one of them")
    send_resolved: bool = Field(True, description="whether the end of an incident is sent")
    redact: bool = Field(True, description="whether addresses, tokens, card numbers and the like are masked")
    most_per_minute: int = Field(
        20, ge=0, le=10_000, description="incidents sent one by one in a minute, the rest in one summary; 0: all"
    )
    resend_seconds: float = Field(60.0, gt=0, le=3600, description="how often Alertmanager gets open incidents again")
    expires_seconds: float = Field(
        300.0, gt=0, le=86_400, description="after which Alertmanager takes an incident for over if nothing comes"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _discreet(cls, values: Any, handler: ModelWrapValidatorHandler[ReceiverSettings]) -> ReceiverSettings:
        """Check all, without repeating in an error what may be a secret."""
        if isinstance(values, Mapping) and (found := sorted(_LITERAL & {str(name) for name in values})):
            raise _fault(found[0], "a secret never stands in the file; put it into a variable of the environment and "
                         "name that with secret_env")  # fmt: skip
        try:
            made = handler(values)
        except ValidationError as error:
            raise ValidationError.from_exception_data(
                cls.__name__, [_masked(dict(one)) for one in error.errors()]
            ) from None
        made._check()
        return made

    def _check(self) -> None:
        if self.secret_env is not None and not _VARIABLE.fullmatch(self.secret_env):
            raise _fault(
                "secret_env",
                "it names a variable of the environment in capital letters, such as PAGERDUTY_KEY; a secret itself "
                "never stands in the file",
            )
        if self.kind == "slack" and self.url is not None:
            raise _fault("url", "the address of a Slack webhook is its secret; put it into a variable of the "
                         "environment and name that with secret_env")  # fmt: skip
        if self.kind in ("slack", "pagerduty") and self.secret_env is None:
            raise _fault("secret_env", f"a receiver of kind {self.kind} needs it", None)
        if self.kind in ("alertmanager", "webhook") and self.url is None:
            raise _fault("url", f"a receiver of kind {self.kind} needs an address", None)
        if self.url is not None:
            try:
                checked_url(self.url, secret=self.kind == "pagerduty")
            except ConfigError as error:
                raise _fault("url", str(error)[:1].lower() + str(error)[1:].removesuffix(".")) from None
        if self.kind != "alertmanager" and {"resend_seconds", "expires_seconds"} & self.model_fields_set:
            raise _fault("resend_seconds", "resend_seconds and expires_seconds are for receivers of kind alertmanager")

    def wants(self, incident: Mapping[str, Any] | None) -> bool:
        """Whether a row of INCIDENTS is urgent enough and of a service that was asked for; never for None."""
        if incident is None or SEVERITIES.index(incident["severity"]) < SEVERITIES.index(self.min_severity):
            return False
        names = incident["services"] or ("",)
        return any(fnmatchcase(name or "", glob) for name in names for glob in self.services)


class NotificationSettings(Config):
    """Who gets to know of incidents, and how hard that is tried."""

    receivers: tuple[ReceiverSettings, ...] = Field((), description="each gets its own notifications at its own pace")
    external_url: str | None = Field(
        None, description="address of the service as people open it, for links to its dashboard"
    )
    redaction: RedactionSettings = RedactionSettings()
    first_wait: float = Field(1.0, gt=0, le=60, description="seconds before the second try at most, doubled each time")
    longest_wait: float = Field(60.0, gt=0, le=3600, description="seconds between two tries at most")
    give_up_hours: float = Field(24.0, gt=0, le=24 * 30, description="age at which a notification is given up")

    @model_validator(mode="after")
    def _distinct(self) -> NotificationSettings:
        names = [one.name for one in self.receivers]
        for name in names:
            if names.count(name) > 1:
                raise _fault("receivers", f"two receivers have the name {name}; give each its own")
        if self.external_url is not None:
            try:
                checked_url(self.external_url)
            except ConfigError as error:
                raise _fault("external_url", str(error)[:1].lower() + str(error)[1:].removesuffix(".")) from None
        return self


def checked_url(url: str, *, secret: bool = False) -> Endpoint:
    """The endpoint of a URL; raises `ConfigError` without the URL in it, for it may be a secret.

    With ``secret`` plain http is allowed to this machine only.
    """
    try:
        login = urlsplit(url).username is not None or urlsplit(url).password is not None
    except ValueError:
        login = False
    if login:
        raise ConfigError(
            "The URL holds a login; put that into a variable of the environment and name it as secret_env."
        )
    if not url.startswith(("http://", "https://")):
        raise ConfigError("A URL begins with http:// or https://.")
    try:
        endpoint = Endpoint.of(url)
    except ConfigError as error:
        text = str(error).removeprefix("--webhook: ")
        raise ConfigError(text[:1].upper() + text[1:]) from None
    if secret and endpoint.scheme == "http" and not _here(endpoint.host):
        raise ConfigError(
            "The URL begins with http://, so the secret would cross the network in plain text; use https."
        )
    return endpoint


def _here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fault(field: str, sentence: str, given: str | None = _HIDDEN) -> ValidationError:
    """An error of one field that does not repeat its value."""
    kind = PydanticCustomError("refused", "{sentence}", {"sentence": sentence})
    return ValidationError.from_exception_data(
        "notifications", [InitErrorDetails(type=kind, loc=(field,), input=given)]
    )


def _masked(error: dict[str, Any]) -> InitErrorDetails:
    """A pydantic error without the value that was given, where that may be a secret."""
    first = str(error["loc"][0]) if error["loc"] else ""
    given = error["input"] if first in _SHOWN else _HIDDEN
    if error["type"] == "extra_forbidden":
        return InitErrorDetails(type="extra_forbidden", loc=error["loc"], input=given)
    kind = PydanticCustomError("refused", "{sentence}", {"sentence": error["msg"]})
    return InitErrorDetails(type=kind, loc=error["loc"], input=given)
