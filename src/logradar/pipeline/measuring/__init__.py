"""Measuring: what `evaluate` and `compare` have in common, from the sessions measured on to each figure.

Read ``evaluation_data`` first.
"""
