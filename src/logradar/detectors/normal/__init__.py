"""What the simple detectors remember of normal sessions.

`known` holds rows seen in training, exactly or, where they are too many, as hashes; `vectors`
compares counts of templates.
"""
