"""Listeners: syslog by TCP and UDP, files that grow, and standard input, as senders of a service.

Bytes come in as senders write them; `Arrival` objects go to the `Sink` of ``ingest``, in batches, with patience where
it refuses. ``syslog`` listens, ``tailing`` follows files; each promises in its first lines what is never lost. The
bytes are divided by ``syslog_frames``, ``file_lines`` and ``cri_parts``, and headers are read by ``syslog_message``.
``trail`` goes through the files of one path, ``positions`` stores how far. Read ``syslog`` first.
"""
