"""What the simple detectors remember of normal sessions.

What comes in are distinct rows of integers with counts (sessions, sorted sessions or runs of events). ``seen_rows``
keeps the rows of training, exactly or, where they are too many, as hashes. ``nearest_counts``
compares counts of templates, and ``count_tails`` says how rare a count is. Read ``seen_rows`` first.
"""
