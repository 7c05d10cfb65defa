"""Training data: the normal sessions that a training learns from, whatever kind of input they come from.

``sessions`` makes it of log records, ``day_files`` of RADAR's day files; ``trimming`` leaves out the sessions
that look least normal. Read ``sessions`` first.
"""
