"""Evaluation: how well sessions were told apart, reported so that nobody is misled.

What comes in are scores and labels; what goes out are figures. ``splits`` cuts sessions by time, ``metrics``
measures scores against labels, ``audit`` looks for leakage and for tests that are too easy, ``caveats`` says
what limits a result. Nothing here chooses a threshold. Read ``metrics`` first.
"""
