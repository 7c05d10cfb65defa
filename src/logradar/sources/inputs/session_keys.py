from __future__ import annotations


def extract(text, body, regex):
    return text.str.extract(regex, 1)
