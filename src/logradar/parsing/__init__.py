"""Parsing: LOG_RECORDS in, TEMPLATES, EVENTS and SESSIONS out.

A body goes through these files, each a noun of its own::

    bodies ─▶ shapes ─▶ masking ─▶ tokens ─▶ drain (tree, tree_kernels) ─▶ templates ─▶ events ─▶ sessions
                                                  └─ matching: frozen templates, new bodies

Lines repeat, so every stage works on what it has not seen before: a line whose shape is known is not
masked, a masked line that is known is not split, and a line whose leaf of the tree did not change is
not searched (`interning` gives the numbers by which things are known). The result is that of feeding
every line to Drain, one after the other. docs/how-to-parse.md shows how to use it. Read ``templates`` first.
"""
