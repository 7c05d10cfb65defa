"""Sources: one file per kind of log, text in, LOG_RECORDS out.

Every plain module here except ``base`` is a source, found by its file name and recognised by
the content of the input; ``inputs`` holds what sources share (finding files, decompressing,
headers, timestamps, session keys, labels, quarantine), ``labelled`` what the sources of labelled data
sets share, ``days`` RADAR's day files, ``shop`` the simulated services.
"""
