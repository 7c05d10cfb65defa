"""Parsing turns log records into templates, events and sessions.

LOG_RECORDS come in: one row for each log entry, with its message in ``body``. TEMPLATES (the constant part of each kind
of message), EVENTS (a record with its template and parameters) and SESSIONS (events that belong together) go out.
The schemas are in `logradar.core.tables`.

A body passes through these files::

    bodies ─▶ keys ─▶ shapes ─▶ masking ─▶ tokens ─▶ drain (tree, tree_kernels) ─▶ templates ─▶ events ─▶ sessions
                     (shape_folding)                   └▶ examples ─▶ refinement (words) ─▶ refined ─▶ patterns

Read ``templates`` first: `TemplateMiner` calls all others. ``keys`` masks the session key of a record in its body,
``masking`` holds the rules for variable parts (numbers, addresses), ``drain`` the clustering algorithm, ``examples``
the different lines of each cluster, ``refinement`` the decision which of their words are constants; ``patterns`` finds
the refined template of a new body without learning, ``matching`` that of Drain alone; ``lists`` makes lists of any
length alike. ``parameters`` extracts the values that a template leaves open.
``given_templates`` is used instead where the input already contains event ids (day files), and ``template_source``
is the interface that both kinds of templates have.

Log lines repeat, so every stage caches its results: a line whose shape was seen before is not masked again, a masked
line that was seen before is not split again, and the parse tree is searched again only for lines whose leaf has
changed. `interning` gives equal texts equal numbers, by which the caches are indexed. The result is the same as
that of Drain applied to every line in order. docs/how-to-parse.md shows how to use this package.
"""
