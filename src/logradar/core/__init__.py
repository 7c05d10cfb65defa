"""The ground floor: tables, config, errors, registry, bundle, sequences, progress.

``tables`` holds the schemas of all tables that pass between rooms, ``config`` checks settings, ``errors`` are the
sentences that users read. Every other package stands on this one, so it imports nothing heavy: no torch,
transformers, fastapi, flwr or matplotlib. Read ``tables`` first.
"""
