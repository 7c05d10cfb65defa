"""The body that neural detectors share."""
