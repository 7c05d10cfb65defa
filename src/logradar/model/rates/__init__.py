"""Rates: how often each message of each service comes, and how surprising a count is.

Counts per bucket of time go in; a `RateProfile` that a bundle keeps comes out, and a judgement of each new bucket.
``profile`` is what is kept, ``judge`` compares the counts of a bucket with it, ``tails`` are the probabilities,
``learning`` makes a profile of the counts of a training. Read ``profile`` first.
"""
