"""Detectors: one file each, SESSIONS -> SCORES.

What comes in are SESSIONS; what goes out are SCORES (higher is more anomalous) and FINDINGS (the reasons). Read
``base`` first: it says what every detector promises. Each plain module here except ``base`` is one detector, found by
its file name without being imported. ``baselines`` holds what the simple detectors share, ``neural`` what the networks
share, ``value_models`` the models behind ``values``, and ``fusion`` the parts of ``ensemble``. To add a detector, write
one file with one subclass of `logradar.detectors.base.Detector`; the contract test finds it and tests it.
"""
