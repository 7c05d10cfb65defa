"""What the simple detectors remember of normal sessions.

``seen_rows`` holds rows of training, exactly or, where they are too many, as hashes. ``nearest_counts``
compares counts of templates, ``count_tails`` says how rare a count is. Read ``seen_rows`` first.
"""
