"""Live: the shop by the wall clock; its records go to a service, and faults are injected while it runs.

Settings come in; what goes out are records by HTTP or syslog, and sentences about faults and the sessions that they
changed. ``run`` is the function to call; ``pace`` holds the virtual clock back, ``schedule`` and ``keys`` say when a
fault begins, ``outbox`` delivers what ``records`` collects, ``targets`` and ``encodings`` know the protocols. Read
``run`` first.
"""
