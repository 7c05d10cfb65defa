"""Traffic: the visits of customers over the day and the week, and the background jobs."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, Final

from logradar.simulation.gateway import Gateway, Health, Request
from logradar.simulation.manager import Manager
from logradar.simulation.research import Research
from logradar.simulation.scheduler import Scheduler, Steps
from logradar.simulation.trace import NORMAL, Fault, Trace

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
PEAK: Final = 1.7  # the load is never more than this times the mean of a working day
VISITS_PER_DAY: Final = 10_900  # makes about 500,000 lines on a working day; measured
VISITORS_AT_ONCE: Final = 8.0  # mean; a newsletter or a link brings several people within seconds
CROWD: Final = 60  # visitors at once, at most, so that normal load never empties a pool
WEEK: Final = (1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.6)

VISITS: Final = {  # what one visitor does, one request after the other, and how often
    ("browse", "recommend", "browse"): 20,
    ("search", "search", "browse", "browse"): 30,
    ("search", "browse"): 15,
    ("login", "recommend", "search"): 8,
    ("login", "search", "browse", "order", "payment"): 18,
    ("login", "cancel"): 4,
    ("report",): 4,
    ("feed",): 3,
}
PATHS: Final = {
    "login": ("POST", "/session"),
    "search": ("GET", "/search"),
    "browse": ("GET", "/products/{product}"),
    "recommend": ("GET", "/recommendations"),
    "order": ("POST", "/orders"),
    "payment": ("POST", "/payments"),
    "cancel": ("DELETE", "/orders/{order}"),
    "report": ("POST", "/reports"),
    "feed": ("PUT", "/feeds/{words}"),
}
COLOURS: Final = ("red", "blue", "green", "black", "white", "grey", "yellow", "brown", "orange", "silver")
THINGS: Final = (
    *("kettle", "lamp", "chair", "table", "mug", "pan", "knife", "board", "clock", "carpet", "mirror", "shelf"),
    *("basket", "candle", "blanket", "pillow", "curtain", "vase", "bowl", "spoon", "ladder", "bucket", "drill"),
)
SECTIONS: Final = ("sales", "returns", "stock", "customers")
SUPPLIERS: Final = ("nordwind", "helios", "bergmann", "aquila", "tessel")


def load(ms_of_day: int, weekday: int) -> float:
    """The load at a time of day, relative to the mean of a working day: low at night, high from noon to evening."""
    hour = ms_of_day / HOUR
    daily = 1 + 0.72 * math.cos((hour - 14.5) * math.pi / 12) + 0.14 * math.cos((hour - 20.0) * math.pi / 6)
    return daily * WEEK[weekday]


class Traffic:
    """Starts all requests and jobs of a simulation.

    ``begins`` are the ms since midnight and the weekday at which it starts. ``victim_of`` returns the
    fault that affects a request of a kind that begins now.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        services: tuple[Gateway, Research, Manager],
        seed: int,
        rate: float,
        begins: tuple[int, int],
    ) -> None:
        self.scheduler, self.rate, self.begins = scheduler, rate, begins
        self.victim_of: Callable[[str], Fault] = lambda kind: NORMAL
        self.gateway, self.research, self.manager = services
        self.health = Health(self.gateway.world, self.research, self.manager)
        self.rng = Random(f"{seed}/traffic")
        self.queries = [f"{colour}+{thing}" for colour in COLOURS for thing in THINGS]
        self.popular = [1 / (rank + 8) for rank in range(len(self.queries))]
        self.products = 3_000

    def start(self, until: int) -> None:
        """Plan all visits and jobs until ``until`` (ms); those that have begun by then still run to their end."""
        jobs = (
            ("heartbeat", self.health.beat, 60_000),
            ("cache_cleaner", self.research.housekeeping.clean_caches, 300_000),
            ("reconciliation", self.manager.stock.reconcile, 450_000),
            ("session_sweep", self.manager.housekeeping.sweep_sessions, 300_000),
        )
        for kind, job, every in jobs:
            self.scheduler.start(self._every(kind, job, max(1_000, int(every / self.rate)), until), Trace("", kind))
        self.scheduler.start(self._visits(until), Trace("", "visits"))

    def load_at(self, now: int) -> float:
        """The load at a virtual time."""
        days, ms = divmod(self.begins[0] + now, DAY)
        return load(ms, (self.begins[1] + days) % 7)

    def _every(self, kind: str, job: Callable[[], Steps[None]], every: int, until: int) -> Steps[None]:
        yield int(self.rng.random() * every)
        while self.scheduler.now < until:
            self.scheduler.start(job(), Trace(self._key(), kind))
            yield every

    def _visits(self, until: int) -> Steps[None]:
        scripts, weights = list(VISITS), list(VISITS.values())
        per_ms = self.rate * VISITS_PER_DAY / VISITORS_AT_ONCE / DAY * PEAK
        chance = self.rng.random
        wait = 0.0
        while True:
            wait += self.rng.expovariate(per_ms)  # thinning: visits at the peak rate, some dropped at lower load
            yield int(wait)
            wait -= int(wait)
            if self.scheduler.now >= until:
                return
            if chance() * PEAK > self.load_at(self.scheduler.now):
                continue
            visitors = 1
            while visitors < CROWD and chance() > 1 / VISITORS_AT_ONCE:
                visitors += 1
            for script in self.rng.choices(scripts, weights, k=visitors):
                self._visit(script)

    def _visit(self, script: tuple[str, ...]) -> None:
        rng = self.rng
        user, order = 10_000 + int(rng.random() * 80_000), 700_000 + int(rng.random() * 200_000)
        address = f"10.{int(rng.random() * 4)}.{int(rng.random() * 256)}.{1 + int(rng.random() * 254)}"
        delay = int(rng.random() * 3_000)
        for kind in script:
            request = self._request(kind, user, order, address)
            trace = Trace(self._key(), kind)
            trace.fault = self.victim_of(kind)
            trace.fault.adopt(trace)
            self.scheduler.start(self.gateway.serve(request), trace, delay)
            delay += 30 + int(rng.expovariate(1 / 500))  # impatient: the next click does not wait for the answer

    def _request(self, kind: str, user: int, order: int, address: str) -> Request:
        rng = self.rng
        method, path = PATHS[kind]
        details: dict[str, Any] = {}
        if kind == "search":
            details = {"words": rng.choices(self.queries, self.popular)[0], "page": 1 + int(rng.random() * 2)}
        elif kind == "browse":
            details = {"products": (int(self.products * rng.random() ** 3),)}
            path = path.format(product=details["products"][0])
        elif kind == "order":
            details = {"products": tuple(int(self.products * rng.random()) for _ in range(1 + int(rng.random() * 4)))}
        elif kind == "cancel":
            path = path.format(order=order)
        elif kind == "report":
            details = {"sections": tuple(rng.sample(SECTIONS, 2 + int(rng.random() * 3)))}
        elif kind == "feed":
            details = {"words": rng.choice(SUPPLIERS), "page": 2 + int(rng.random() * 4)}
            path = path.format(words=details["words"])
        return Request(kind, method, path, user, address, order=order, **details)

    def _key(self) -> str:
        return f"{self.rng.getrandbits(64):016x}"
