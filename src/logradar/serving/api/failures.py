"""Failures: how often an address may present a key that is none."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST: Final = 10  # failed attempts in a row
_PAUSE: Final = 6.0  # seconds after which one more is allowed
_ADDRESSES: Final = 10_000  # that are remembered; of more the longest quiet ones are forgotten


class Failures:
    """Counts failed attempts by address: ``most`` at once, then one every six seconds. ``clock`` gives seconds."""

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._most = clock, most
        self._until: OrderedDict[str, float] = OrderedDict()  # when an address has made up for its failures

    def wait(self, address: str) -> int:
        """Seconds until this address may try again; 0: now."""
        until = self._until.get(_network(address), 0.0)
        over = until - self._clock() - _PAUSE * (self._most - 1)
        return 0 if over <= 0 else int(over) + 1

    def add(self, address: str) -> None:
        """Note a failed attempt."""
        name = _network(address)
        now = self._clock()
        self._until[name] = max(self._until.pop(name, now), now) + _PAUSE
        while len(self._until) > _ADDRESSES:
            self._until.popitem(last=False)


def _network(address: str) -> str:
    """The address, or of IPv6 the network of 64 bits: one machine has all addresses in it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
