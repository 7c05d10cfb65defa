"""Receivers: made from the settings, with their secrets from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from logradar.core.errors import ConfigError
from logradar.serving.notifications.alertmanager import Alertmanager
from logradar.serving.notifications.pagerduty import PagerDuty
from logradar.serving.notifications.receiver import Receiver
from logradar.serving.notifications.settings import NotificationSettings
from logradar.serving.notifications.slack import Slack
from logradar.serving.notifications.webhook import Webhook

KINDS: Final[Mapping[str, type[Receiver]]] = MappingProxyType(
    {"alertmanager": Alertmanager, "pagerduty": PagerDuty, "slack": Slack, "webhook": Webhook}
)


def receivers(settings: NotificationSettings, *, environment: Mapping[str, str] | None = None) -> list[Receiver]:
    """The receivers of the settings, in their order; nothing is sent yet.

    Raises `ConfigError` that names every receiver whose variable is missing or whose address or secret cannot be used.
    """
    variables = os.environ if environment is None else environment
    found, faults = [], []
    for one in settings.receivers:
        secret = variables.get(one.secret_env, "") if one.secret_env else ""
        if one.secret_env and not secret:
            faults.append(f"the variable {one.secret_env} is not set or empty; it holds the secret of '{one.name}'")
            continue
        try:
            found.append(KINDS[one.kind](one, settings, secret))
        except ConfigError as error:
            faults.append(f"receiver '{one.name}': {str(error).removesuffix('.')}")
    if faults:
        text = "; ".join(faults)
        raise ConfigError(f"Notifications cannot be sent: {text}.")
    return found
