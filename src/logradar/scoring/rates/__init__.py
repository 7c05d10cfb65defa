"""Rates: which messages and services come more or less often than in training, as records arrive.

Counts of buckets of time go in, and RATE_CHANGES come out. ``watch`` closes the buckets in order of time and has a
state, ``verdicts`` says what is unusual in one bucket, ``changes`` joins the buckets of one change, ``wording`` puts
it into words. Read ``watch`` first.
"""
