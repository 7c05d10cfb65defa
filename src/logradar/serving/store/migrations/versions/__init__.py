"""Steps of the schema: each names the one before it. Read ``r0001_first_tables`` first.

There is no way back: whoever needs the version before restores a backup.
"""
