"""Detection: what `detect` is made of besides the act: its outcome, where alerts go, rates, other engines.

Read ``detected`` first.
"""
