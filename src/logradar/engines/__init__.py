"""Engines: the work of one machine, spread over several by a system that exists already.

What comes in is what the acts of `pipeline` take, and the name of an engine; what goes out is what they give, with the
same ids. An engine is thin: it moves records to where their sessions are, and calls `scoring` there. Read ``spark``
first.
"""
