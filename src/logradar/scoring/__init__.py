"""Scoring: what a bundle says of new logs, the same for batch, stream and service.

What comes in are SESSIONS and a bundle; what goes out are SCORES and ALERTS. ``signatures`` says what is
unusual about a session, independently of the detector, so that feedback finds it again. ``drift_monitor``
compares the new sessions with those of the validation part. Read ``signatures`` first.
"""
