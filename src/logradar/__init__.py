"""LogRadar learns what normal logs look like and reports what is not normal.

Data flows one way: sources -> parsing -> detectors -> alerting. What passes between two
rooms is an Arrow table with a fixed schema (`logradar.core.tables`). The floors of the
house, who may import whom, are the import-linter block in ``pyproject.toml``. Read
``core`` first, then ``pipeline``.
"""

__version__ = "0.1.0"
