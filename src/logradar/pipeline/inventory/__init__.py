"""Inventory: what an input holds, as one JSON-ready document, whatever the kind of log.

`days` counts RADAR's day files as they stand, without templates; `records` counts every other
log by way of a corpus. Both give the same keys, so that one table and one page show them. Read ``records`` first.
"""
