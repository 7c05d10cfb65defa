"""Spark: a detection or a reading on the executors of Spark 4, with the results of one machine.

An input comes in as files that every node sees; units of it are read where there is room. Records go to partitions by
the hash of their session key, and each partition is grouped and scored as one machine does it. What goes out are the
ALERTS, INCIDENTS and figures of `logradar.pipeline.detect`, put together in the driver. Read ``detection`` first.
"""
