"""The hall: what the doors call, one act per file.

`prepare`, `train`, `detect`, `evaluate`, `validate` and `demo` put the stages in order and
check the tables at each door. `corpus` keeps LOG_RECORDS on disk, `tabulate` turns them into
SESSIONS, `fitted` is what a bundle holds, `settings` is the whole of what can be configured.
"""
