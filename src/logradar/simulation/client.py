"""How one service calls another: a client with retries and exponential backoff, and the endpoint that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from logradar.simulation.journal import get_logger
from logradar.simulation.scheduler import Steps
from logradar.simulation.world import World

T = TypeVar("T")
ATTEMPTS: Final = 8


class Refused(Exception):
    """A service answered, but with an error status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Endpoint:
    """Answers calls from other services."""

    def __init__(self, world: World, service: str) -> None:
        self.world = world
        self.logger = get_logger(f"{service}.api")

    def answer(self, caller: str, handler: Callable[..., Steps[T]], *args: Any) -> Steps[T]:
        """Run ``handler`` for ``caller``."""
        began = self.world.now
        self.logger.info("serving %s for %s", handler.__qualname__, caller)
        yield self.world.about(4)
        try:
            reply = yield from handler(*args)
        except Refused as refusal:
            self.logger.warning("refusing %s with status %d", handler.__qualname__, refusal.status)
            raise
        yield self.world.about(2)
        self.logger.debug("served %s in %d ms", handler.__qualname__, self.world.now - began)
        return reply


class Client:
    """Calls from one service to another."""

    def __init__(self, world: World, service: str, target: str) -> None:
        self.world, self.service, self.target = world, service, target
        self.endpoint = Endpoint(world, target)
        self.logger = get_logger(f"{service}.client")

    def call(self, handler: Callable[..., Steps[T]], *args: Any) -> Steps[T]:
        """Run the other service's ``handler``; a reset connection is tried again, with longer pauses each time."""
        world = self.world
        for attempt in range(1, ATTEMPTS + 1):
            yield world.about(3)  # the way there; over 1 ms, so that times give the order across services
            if not world.resets(self.target):
                break
            pause = (50 << attempt) + int(world.rng.random() * 50)
            self.logger.warning(
                "connection reset by %s on attempt %d, next attempt in %d ms", self.target, attempt, pause
            )
            yield pause
        else:
            self.logger.error("gave up on %s after %d attempts without an answer", self.target, ATTEMPTS)
            raise Refused(503, f"{self.target}_unavailable")
        sent = world.now
        try:
            reply = yield from self.endpoint.answer(self.service, handler, *args)
        except Refused:
            yield world.about(3)
            raise
        yield world.about(3)
        self.logger.debug("answer of %s took %d ms", self.target, world.now - sent)
        return reply
