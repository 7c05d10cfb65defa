"""Chains: units of an input that one task reads one after the other, because the clock of a file goes on in them."""

from __future__ import annotations

from logradar.sources.opening.opening import Opened, Unit


def chains(opened: Opened, units: list[Unit]) -> list[list[int]]:
    """The numbers of the units, in chains.

    A file is in one unit, so each unit is a chain. In a prepared folder a file may fill many shards; those of one
    original unit, whose number begins their names, are one chain.
    """
    if opened.prepared is None:
        return [[number] for number in range(len(units))]
    found: list[list[int]] = []
    last: str | None = None
    for number, unit in enumerate(units):
        first = unit.files[0].name.partition("-")[0]
        if found and first == last:
            found[-1].append(number)
        else:
            found.append([number])
        last = unit.files[-1].name.partition("-")[0]
    return found
