"""Sources: one file per kind of log, text in, LOG_RECORDS out.

Every plain module here except ``base`` is a source, found by its file name and recognised by
the content of the input. ``opening`` finds out what an input is (files, formats, session keys,
labels), ``decoding`` unpacks bytes and reads times, ``datasets`` holds what the sources of
published data sets share, ``radar`` reads RADAR's day files. Read ``base`` first, then ``lines``.
"""
