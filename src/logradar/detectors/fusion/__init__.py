"""Calibrate and combine the scores of several detectors.

What comes in are the scores of an ensemble's members on normal sessions; what goes out is one score. ``p_values``
makes the members comparable, ``cross_conformal`` scores each normal session by detectors that were fitted without it,
``combine`` weighs members that say the same. ``cutoff`` finds the score up to which a session is normal, with the
help of ``synthetic_anomalies``. Read ``p_values`` first.
"""
