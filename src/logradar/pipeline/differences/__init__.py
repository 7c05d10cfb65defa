"""Differences: what a bad run says that good runs do not, and which lines of one file are the most unusual.

Runs come in: LOG_RECORDS of inputs, or of parts of one by time (``runs``). A record belongs to a *kind*: its template,
its level, and, where it carries a stack trace, the first frames and the cause (``kinds``, ``stack_traces``). Templates
are mined over all runs together, from distinct masked lines in alphabetical order (``masked_lines``), so neither the
order of runs nor that of batches matters. Words that are only other names for the same thing in another run (hosts,
users, ids) join their kinds (``names``). ``counts`` tests how often a kind came, ``changes`` makes and ranks what is
new, gone, more or less, ``verdict`` says whether what is new goes beyond chance. Without a good run, ``ranked_lines``
ranks the lines of one run by ``core.telling_words``, rarity and place. ``document`` is what goes out.

Read ``changes`` first. What is in memory are tables of templates and kinds; records are on disk.
"""
