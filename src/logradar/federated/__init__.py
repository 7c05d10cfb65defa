"""Federated: several sites learn one detector, and none shows a log line to another.

What comes in is the input of a simulation, or what each site has; what goes out is a bundle like any other. Only
adapters travel: one flat vector a message, in 8 or 4 bits. Read ``wire`` first: it says what a message is. ``vector``
lays the trained numbers of a network in a row, ``learner`` trains them for some steps, ``client`` answers a message
with one, ``server`` runs the rounds and refuses what is not as it must be, ``aggregation`` makes one update of many.
``simulation`` runs all clients in one process, ``deployment`` starts real ones with Flower: ``flower_apps`` run in
them, each with its ``site_folder``, and ``byte_counter`` counts what passes. ``sites`` divides an input among clients,
``sketch`` is the message of counts that a language model has to beat, ``privacy`` adds noise and keeps its account.
``federate`` is the act behind ``logradar federate run``, ``rounds`` the one behind ``logradar federate evaluate``.
"""
