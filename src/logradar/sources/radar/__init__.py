"""Reads and writes RADAR's day files: one JSON file for each day, an array of sessions, up to gigabytes in size.

A day file comes in. Tables of its sessions go out: DAY_SESSIONS (``table``), and DATED_SESSIONS with key, source and
times (``dated``), from which SESSIONS are made. Damaged sessions are reported with their byte offset; all others are
read.

Read ``reading`` first: `read_day` is the reader for all callers. It is strict and fast, because numba kernels find the
bounds of every object without building Python values:

- ``scanner`` reads blocks of bytes and calls the kernels; ``walk`` goes from object to object, also after damage.
- ``decode`` reads one session object, ``grammar`` the parts of JSON, ``vectors`` compares 64 bytes at a time.
- ``columns`` holds the arrays that the kernels fill, ``faults`` the words for what is wrong.

``statistics`` with ``lengths``, ``services``, ``vocabulary`` and ``fingerprints`` computes the figures of `logradar
validate`. ``lines`` collects examples of each event id. ``write`` writes day files, ``generate`` makes random ones.
"""
