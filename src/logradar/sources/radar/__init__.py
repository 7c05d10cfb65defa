"""RADAR's day files: one JSON file a day, an array of sessions, up to gigabytes in size.

``reading`` yields the sessions of a file as tables of fixed schema, ``write`` writes them, ``generate`` makes
them up for tests. ``scanner``, ``walk``, ``grammar`` and ``decode`` are the strict reader: numba kernels that
find the bounds of every object without building Python values. ``statistics`` and ``faults`` serve `validate`.
Read ``reading`` first.
"""
