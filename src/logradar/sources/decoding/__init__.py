"""Decoding: from compressed bytes to plain ones, and from texts of time to times."""
