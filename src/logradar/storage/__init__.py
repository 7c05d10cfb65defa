"""Storage: LOG_RECORDS and SESSIONS on disk, so that memory does not grow with the input.

``records`` writes what an input holds as Parquet shards and finds single lines again. ``day_files`` does the
same for day files, which hold whole sessions. ``grouping`` makes SESSIONS of the records. ``shards_writer``
writes shards unit by unit, so that a killed run goes on where it stopped. Read ``records`` first.
"""
