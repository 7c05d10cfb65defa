"""Inventory: what an input contains, as one document of JSON values for every kind of log.

`days` counts RADAR's day files directly, without templates; `records` counts every other
log after it was read into a corpus. Both give the same keys, so that one table and one page can show them. Read
``records`` first.
"""
