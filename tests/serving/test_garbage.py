"""Garbage of a running service: what Python searches among all objects stops every request, so it happens seldom."""

import asyncio
import gc
import weakref
from contextlib import suppress

from logradar.serving import serve


class Cycle:
    """An object that only a search finds to be garbage."""

    def __init__(self):
        self.mine = self


def searches_among_all(objects):
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(objects)]
    return gc.get_stats()[2]["collections"] - before, len(kept)


def test_open_sessions_that_grow_start_no_search_among_all_objects():
    at_first = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # as Python itself begins
    before = gc.get_threshold()
    assert searches_among_all(1_000_000)[0] > 0, "Python searches by itself; if not, the service need not forbid it"
    with serve._prompt():
        assert searches_among_all(1_000_000)[0] == 0
    assert gc.get_threshold() == before
    gc.set_threshold(*at_first)


def test_old_garbage_goes_while_the_service_runs(monkeypatch):
    monkeypatch.setattr(serve, "_GARBAGE", 0.05)

    async def run():
        garbage = Cycle()
        gone = weakref.ref(garbage)
        gc.collect(1)  # it is old now
        del garbage
        sweeping = asyncio.create_task(serve._sweep())
        for _ in range(100):
            await asyncio.sleep(0.05)
            if gone() is None:
                break
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        return gone()

    with serve._prompt():
        assert asyncio.run(run()) is None
