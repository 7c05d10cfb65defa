"""The ground floor: tables, config, errors, registry, bundle, sequences, progress.

Every other package stands on this one, so it imports nothing heavy: no torch,
transformers, fastapi, flwr or matplotlib.
"""
