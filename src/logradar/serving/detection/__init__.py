"""Detection: what the write-ahead log holds becomes alerts, incidents and counts in the store.

Frames of the log come in, rows of the store go out, one transaction for each tick. Each bundle is a route: it gets the
records of its services, and scores them with the step that `logradar detect` uses. State is saved with the position in
the log that it belongs to; after a crash the log is read again from there and gives the same ids. Read ``worker``
first.
"""
