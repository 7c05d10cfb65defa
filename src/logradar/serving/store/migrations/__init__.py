"""Migrations of the store by Alembic: in comes a database of any earlier version, out goes one of this version.

Every step is a file of ``versions``, written once and never changed after a release; `env` is what Alembic loads to run
them. Read ``running`` first.
"""
