"""The simulated shop: three services that really log, on a virtual clock, with labelled faults.

``simulate`` is the entry, ``settings`` what it is told. ``gateway``, ``research``
and ``manager`` are the services: plain Python with ordinary log calls that know nothing of
faults. ``world`` is what surrounds them (network, disk, broker, pools, caches) and can go
wrong; ``faults`` says how, ``episodes`` when, ``traffic`` who comes. ``journal`` takes the
log records, writes the files and notes the true origin of each line. Read ``simulate`` first.
"""
