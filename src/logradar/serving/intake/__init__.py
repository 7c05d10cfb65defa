"""Intake: what senders delivered becomes log records, in one order, whatever the protocol.

ARRIVALS of the write-ahead log come in, with the number of the tick after which they came; rows with time, level,
service and message go out. Headers, stack traces and wrappers are read as in files, sender by sender; then the records
of all senders are merged by their clocks. Nothing here looks at the wall clock: the same log gives the same records.
Read ``intake`` first.
"""
