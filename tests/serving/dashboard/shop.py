"""A made-up shop of eight services, whose requests each have a trace: what it writes when all is well, and faults."""

import json
import random
from datetime import UTC, datetime

from logradar.serving.arrivals import Arrival

INFO, WARN, ERROR = 9, 13, 17
HOSTILE = (
    "<script>alert(document.cookie)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(2)>',
    "javascript:alert(3)",
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07",
    "\u202egnp.exe\u202c \u2066isolated\u2069",
    "</pre></code><h1>not a page</h1>",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "http://evil.example/?a=<b>",
    "x" * 6000,
)

HOSTILE_SERVICE = '"><script>alert(9)</script>/../&amp;%2e'


def checkout(chance, fault=None):
    """Lines of an order: service, level, logger, text."""
    order, user, sum_ = chance.randint(10_000, 99_999), chance.randint(100, 999), chance.randint(5, 900)
    yield "gateway", INFO, "gateway.http", f"POST /checkout from user {user}"
    yield "cart", INFO, "cart.store", f"cart of user {user} has {chance.randint(1, 9)} items"
    yield "orders", INFO, "orders.api", f"order {order} created"
    yield "inventory", INFO, "inventory.stock", f"reserved {chance.randint(1, 9)} items of order {order}"
    if fault == "stock":
        yield "inventory", WARN, "inventory.stock", f"lock on warehouse 3 held by order {order} for 12 s"
        yield "orders", ERROR, "orders.api", f"order {order} rolled back: inventory did not answer"
        yield "gateway", ERROR, "gateway.http", "checkout failed with status 503"
        return
    yield "payments", INFO, "payments.card", f"charging {sum_} EUR for order {order}"
    if fault == "bank":
        for number in range(3):
            yield "payments", WARN, "payments.card", f"no answer of the bank after 2000 ms, try {number + 1} of 3"
        yield "payments", ERROR, "payments.card", f"charge of order {order} failed: no connection to the bank is free"
        yield "orders", ERROR, "orders.api", f"order {order} is not paid"
        yield "gateway", ERROR, "gateway.http", "checkout failed with status 502"
        return
    yield "payments", INFO, "payments.card", f"charged {sum_} EUR for order {order}"
    yield "orders", INFO, "orders.api", f"order {order} paid"
    yield "shipping", INFO, "shipping.label", f"label printed for order {order}"
    if fault != "mail":
        yield "mail", INFO, "mail.queue", f"confirmation of order {order} sent"
    if isinstance(fault, tuple):
        yield "mail", ERROR, "mail.queue", f"template broken: {fault[0]}"
    yield "gateway", INFO, "gateway.http", f"checkout done in {chance.randint(80, 400)} ms"


def browse(chance, fault=None):
    """Lines of somebody who looks around: in a fault of nothing that an order needs."""
    yield "gateway", INFO, "gateway.http", f"GET /products page {chance.randint(1, 40)}"
    if fault == "search":
        yield "catalog", ERROR, "catalog.search", f"shard {chance.randint(1, 9)} of the index is unreadable"
        return
    yield "catalog", INFO, "catalog.search", f"{chance.randint(3, 60)} products found in {chance.randint(2, 30)} ms"
    yield "gateway", INFO, "gateway.http", f"answered in {chance.randint(5, 60)} ms"


def records(count, seed, begin, seconds, faults=()):
    """Lines of so many requests in ``seconds`` from ``begin`` (seconds since 1970) on: dicts, in order of time.

    ``faults`` has for the number of a request its fault.
    """
    chance, found, faults = random.Random(seed), [], dict(faults)
    for number in range(count):
        at, trace = begin + seconds * number / count, f"{chance.getrandbits(64):016x}"
        fault = faults.get(number)
        orders = fault != "search" and (fault or number % 3)
        lines = checkout(chance, fault) if orders else browse(chance, fault)
        for place, (service, level, logger, text) in enumerate(lines):
            moment = round((at + place * 0.02) * 1e6)
            row = {"at": moment, "service": service, "level": level, "logger": logger, "text": text, "trace": trace}
            found.append(row)
    return sorted(found, key=lambda one: one["at"])


def json_lines(rows):
    """What `logradar train` reads."""
    names = {INFO: "INFO", WARN: "WARN", ERROR: "ERROR"}
    return "".join(
        json.dumps(
            {
                "timestamp": datetime.fromtimestamp(one["at"] / 1e6, UTC).isoformat(),
                "level": names[one["level"]],
                "service": one["service"],
                "logger": one["logger"],
                "message": one["text"],
                "trace_id": one["trace"],
            }
        )
        + "\n"
        for one in rows
    )


def arrivals(rows):
    """The same as a sender delivers them."""
    names = ("text", "at", "service", "level", "logger", "trace")
    return [Arrival("otlp:collector", *(one[name] for name in names)) for one in rows]
