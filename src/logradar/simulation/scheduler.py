"""The virtual clock: requests are generators, a heap says which one runs next.

Time is in whole milliseconds since the beginning. A generator yields how many milliseconds it
waits; `Scheduler.together` runs several in parallel within one trace.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from typing import Any, Final, TypeAlias, TypeVar

from logradar.simulation.trace import Trace

T = TypeVar("T")
Steps: TypeAlias = Generator[int, None, T]

PARKED: Final = -1  # yielded by a task that another task will wake


class _Group:
    """Tasks that run in parallel, and the task that waits for all of them."""

    __slots__ = ("error", "left", "results", "waiting")

    def __init__(self, waiting: _Task, size: int) -> None:
        self.waiting, self.left = waiting, size
        self.results: list[Any] = [None] * size
        self.error: BaseException | None = None


class _Task:
    __slots__ = ("group", "place", "steps", "trace")

    def __init__(self, steps: Steps[Any], trace: Trace, group: _Group | None = None, place: int = 0) -> None:
        self.steps, self.trace, self.group, self.place = steps, trace, group, place


class Scheduler:
    """Runs tasks in the order of their virtual times; tasks with equal times in the order of their requests.

    ``ended`` is called with each trace that has ended (or was dropped).
    """

    def __init__(self, ended: Callable[[Trace], None]) -> None:
        self.now = 0
        self.trace = Trace("", "clock")
        self._ended = ended
        self._task: _Task | None = None
        self._heap: list[tuple[int, int, _Task]] = []
        self._order = 0

    def start(self, steps: Steps[Any], trace: Trace, delay: int = 0) -> None:
        """Begin a task in ``delay`` milliseconds; a trace without a key is internal and not a session."""
        self._push(_Task(steps, trace), delay)

    def _push(self, task: _Task, delay: int) -> None:
        self._order += 1
        heappush(self._heap, (self.now + delay, self._order, task))

    def together(self, *branches: Steps[Any]) -> Steps[list[Any]]:
        """Run ``branches`` in parallel in the current trace and return their results in order.

        If any fails, the first error is raised when all have ended.
        """
        assert self._task is not None
        group = _Group(self._task, len(branches))
        for place, branch in enumerate(branches):
            self._push(_Task(branch, self.trace, group, place), 0)
        yield PARKED
        if group.error is not None:
            raise group.error
        return group.results

    def run(self) -> None:
        """Run until there is no task left."""
        heap = self._heap
        while heap:
            self.now, _, task = heappop(heap)
            self.trace = trace = task.trace
            self._task = task
            trace.life -= 1
            if trace.life < 0:
                self._drop(task)
                continue
            try:
                wait = next(task.steps)
            except StopIteration as end:
                self._finish(task, end.value, None)
            except Exception as error:
                if task.group is None:
                    raise
                self._finish(task, None, error)
            else:
                if wait >= 0:
                    self._order += 1
                    heappush(heap, (self.now + wait, self._order, task))

    def _finish(self, task: _Task, value: object, error: BaseException | None) -> None:
        group = task.group
        if group is None:
            task.trace.over = True
            if task.trace.key:
                self._ended(task.trace)
            return
        group.results[task.place] = value
        group.error = group.error or error
        group.left -= 1
        if not group.left:
            self._push(group.waiting, 0)

    def _drop(self, task: _Task | None) -> None:
        # The trace has ended, for its parallel tasks too; closing a task releases the connections that it has.
        trace = self.trace
        if not trace.over:
            trace.strike(trace.fault.name)
            trace.over = True
            self._ended(trace)
        while task is not None:
            task.steps.close()
            task = task.group.waiting if task.group else None
