"""Decoding: what several sources do with raw bytes and texts.

``compression`` makes plain bytes of compressed ones, recognised by content; ``timestamps`` makes times of texts in
the many ways in which logs write them. Read ``compression`` first.
"""
