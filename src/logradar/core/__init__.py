"""Core: what every other package of LogRadar uses, and nothing that only one of them needs.

Nothing comes in from other rooms and no data is read here. What goes out are shared types and small tools:

- ``tables``: the Arrow schemas of all tables that one room passes to another, and the check of a table against them.
- ``sequences``, ``ragged_kernels``, ``distinct``: template ids of sessions as ragged arrays, equal ones counted
  once, in memory or on disk. ``session_view``, ``session_set``, ``shards``, ``training_set``: what detectors are given.
- ``config``: settings from YAML files and the command line, validated. ``errors``: the errors that users see.
- ``registry``: finds plugins (detectors, sources) by file name.
- ``bundle``: writes and verifies a folder of files with a manifest of checksums.
- ``quarantine``, ``progress``, ``formatting``, ``filenames``: input that could not be read, progress on stderr, and
  numbers and text for people.

Read ``tables`` first, then ``sequences``: they define the words that the rest of the code uses.

Every other package imports this one, so it imports nothing heavy: no torch, transformers, fastapi, flwr or
matplotlib (import-linter checks it).
"""
