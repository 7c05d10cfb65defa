"""Sources read logs of any kind and return LOG_RECORDS.

What comes in is the INPUT of a command: a file, a folder, a pattern, standard input, a prepared folder or the name of a
data set. What goes out are batches of LOG_RECORDS (`logradar.core.tables`): one row for each log entry, with time,
service, level, message, session key, label, and the file and line that it comes from. Sources whose files contain
whole sessions with event ids also return DATED_SESSIONS (`logradar.sources.radar.dated`). Input that cannot be read
goes to the quarantine with its position.

Every module in this folder except ``base`` is one source. The registry finds it by its file name, and an input is
given to the source that recognises its content best. Sub-packages hold what sources share:

- ``opening``: finds the files of an input and determines their format; `open_input` in it is the entry point.
- ``decoding``: decompression, timestamps, Parquet files.
- ``datasets``: base classes for labelled research data sets.
- ``download``: gets archives of public logs, checks and unpacks them.
- ``radar``: the reader and writer for RADAR's day files.

Read ``base`` first (the interface of a source), then ``lines`` (the source for any text log), then ``opening``.
"""
