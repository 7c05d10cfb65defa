"""The table of line headers: one row for each layout that logs are written in, with samples of it.

A row has a name, a pattern of what precedes the message, and sample lines with the time, level, component, service and
message that must be read from them; docs/formats.md is made of the samples and a test reads each of them. To add a
layout, add a row with a sample; nothing else is needed. Of rows that match equally well the first one is taken, so
``general`` comes last.

Read ``row`` first, then ``pieces``, of which patterns are made. ``systems`` has the 16 systems of loghub and syslog,
``java``, ``languages`` and ``servers`` (with databases) what their names say. ``objects`` has samples of JSON lines and
``wrapped`` samples of lines inside others: these have no pattern here.
"""
