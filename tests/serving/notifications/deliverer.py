"""A process that delivers what is in the outbox of a store until nothing waits: ``deliverer.py STORE URL``."""

from __future__ import annotations

import sys
import time

from logradar.serving.notifications.delivery import Delivery
from logradar.serving.notifications.receivers import receivers
from logradar.serving.notifications.settings import NotificationSettings, ReceiverSettings
from logradar.serving.store.store import Store


def main(store: str, url: str) -> None:
    """Deliver to a webhook at ``url``."""
    one = ReceiverSettings(kind="webhook", name="hook", url=url)
    settings = NotificationSettings(receivers=(one,), first_wait=0.05, longest_wait=0.1)
    with Store.open(store) as opened, Delivery(receivers(settings), opened, poll=0.02) as delivery:
        while delivery.figures()[0]["waiting"]:
            time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
