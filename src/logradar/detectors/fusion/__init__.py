"""What several detectors need to speak with one voice."""
