"""Evaluation: how well detectors separate anomalous from normal sessions, reported so that nobody is misled.

The input are scores and labels, the output are figures. ``splits`` divides sessions by time, ``metrics``
measures scores against labels, ``audit`` looks for leakage and for tests that are too easy, ``caveats`` says
what the figures cannot show. Nothing here chooses a threshold. Read ``metrics`` first.
"""
