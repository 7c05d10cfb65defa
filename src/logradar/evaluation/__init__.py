"""Evaluation: how well sessions were told apart, said so that nobody is fooled.

`splits` cuts sessions by time, `metrics` measures scores against labels, `audit` looks for
leakage and for tests that are too easy, `plots` draws, `report` writes one HTML page that
needs no network. Nothing here chooses a threshold: it is measured where it was fitted.
"""
