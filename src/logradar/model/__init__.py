"""Model: what a trained LogRadar is, without the training.

``bundle`` is the folder that holds all that is needed to score: templates, detectors, thresholds and
settings. ``settings`` lists everything that can be configured. ``replay_buffer`` keeps normal sequences, so
that a later training does not forget the earlier one. A bundle loads without torch, plots or trackers.
Read ``bundle`` first.
"""
