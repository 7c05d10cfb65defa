"""Detectors: one file each, SESSIONS -> SCORES.

Every plain module here except ``base`` is a detector, found by its file name without being
imported; ``neural`` holds the body that the neural ones share. To add one, write one file
with one subclass of `logradar.detectors.base.Detector`: the contract test finds it.
Read ``base`` first, then ``length``.
"""
