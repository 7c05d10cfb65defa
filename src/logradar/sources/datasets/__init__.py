"""Base classes and helpers of the sources for labelled research data sets.

Research data sets publish sessions in one of three forms, and each form has its base class here:

- ``numbered``: one session per line as a list of event numbers (`EventNumberSource`). ``tables`` turns them into
  DATED_SESSIONS and LOG_RECORDS, ``texts`` reads the templates that the numbers stand for.
- ``lines``: raw log lines with the labels in other files (`LabelledLines`).
- ``nezha``: the CSV files of Nezha with a list of injected faults (`Nezha`).

Read ``numbered`` first; `logradar.sources.hdfs_robust` is the shortest source that uses it.
"""
