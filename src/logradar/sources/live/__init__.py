"""Live sources read lines while they are written, as LOG_RECORDS in small batches.

What comes in are bytes of a pipe; what goes out are the same records that `logradar.sources.lines` reads from a file.
Read ``growing`` first: standard input, as `tail -f` writes it.
"""
