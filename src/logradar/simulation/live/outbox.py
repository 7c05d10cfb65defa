"""Outbox: records on their way to a target, in a thread of their own, with every one accounted for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from logradar.simulation.live.records import LiveRecord
from logradar.simulation.live.targets import Answer, Target

_MOST: Final = 500  # records in one delivery
_WAIT: Final = 0.1  # seconds for which records wait for others
_BOUND: Final = 50_000  # records that wait; then the shop waits
_SHORTEST, _LONGEST = 0.1, 30.0  # seconds between two tries
_LAST: Final = 11.0  # seconds that the last delivery may take


class Outbox:
    """Delivers records in their order. In the end ``sent`` is ``acknowledged`` plus ``refused``.

    What a target does not take is offered again, after the time that it asks for or after growing pauses, for
    ``patience`` seconds; then it counts as refused, as does what the target will never take. ``retries`` counts further
    tries; ``on_problem`` is called with the first sentence of each row of failures.
    """

    def __init__(
        self, target: Target, *, patience: float = 60.0, on_problem: Callable[[str], object] = lambda problem: None
    ) -> None:
        self.sent = self.acknowledged = self.refused = self.retries = 0
        self._target, self._patience, self._on_problem = target, patience, on_problem
        self._waiting: deque[LiveRecord] = deque()
        self._changed = threading.Condition()
        self._given_up = False
        self._failure: Exception | None = None
        self._until: float | None = None  # when what waits is given up, once it is closing
        self._thread = threading.Thread(target=self._run, name="simulate-outbox", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Records that are neither acknowledged nor refused."""
        return self.sent - self.acknowledged - self.refused

    def put(self, record: LiveRecord) -> None:
        """Take a record; waits while too many wait."""
        with self._changed:
            while len(self._waiting) >= _BOUND and self._thread.is_alive():
                self._changed.wait(0.5)
            self._waiting.append(record)
            self.sent += 1
            if len(self._waiting) == _MOST:
                self._changed.notify_all()

    def close(self) -> None:
        """Deliver what waits, or give it up after the ``patience``; then end. Raises what made the delivery fail."""
        with self._changed:
            self._until = time.monotonic() + self._patience
            self._changed.notify_all()
        try:
            self._thread.join(self._patience + _LAST)
        finally:  # a receiver that does not read any more, or a second Ctrl-C
            self._given_up = True
            self.refused = self.sent - self.acknowledged
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._deliver(batch)
            self._target.close()
        except Exception as error:
            self._failure = error

    def _next(self) -> list[LiveRecord]:
        """The next records; none at the end."""
        with self._changed:
            while self._until is None and len(self._waiting) < _MOST:
                if not self._changed.wait(_WAIT) and self._waiting:
                    break
            batch = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
            self._changed.notify_all()
            return batch

    def _deliver(self, batch: list[LiveRecord]) -> None:
        began, pause, failing = time.monotonic(), _SHORTEST, False
        while True:
            answer = self._target.deliver(batch)
            if self._given_up:
                return
            self.acknowledged += answer.acknowledged
            batch = batch[answer.acknowledged :]
            if not batch:
                return
            if answer.problem and not failing:
                failing = True
                self._on_problem(answer.problem)
            if not self._may_try_again(answer, began, pause):
                self.refused += len(batch)
                return
            self.retries += 1
            pause = min(2 * pause, _LONGEST)

    def _may_try_again(self, answer: Answer, began: float, pause: float) -> bool:
        """Wait for the next try; False where there is none."""
        if not answer.again:
            return False
        wait = pause if answer.wait is None else max(answer.wait, _SHORTEST)
        now = time.monotonic()
        end = began + self._patience if self._until is None else min(began + self._patience, self._until)
        if now >= end:
            return False
        end_of_wait = min(now + wait, end)
        with self._changed:
            while (left := end_of_wait - time.monotonic()) > 0:
                self._changed.wait(left)
                if self._until is not None:
                    end_of_wait = min(end_of_wait, self._until)
        return True
