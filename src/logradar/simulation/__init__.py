"""Simulation: a shop of three services that really log, on a virtual clock, with labelled faults.

The input are settings (``settings``), the output is a folder of logs with their labels and true origins. ``simulate``
is the function to call. ``gateway``, ``research`` and ``manager`` are the services: plain Python with ordinary log
calls, which know nothing about faults. ``world`` is their environment (network, disk, broker, pools, caches), in
which faults happen; ``faults`` defines them, ``episodes`` says when they happen, ``traffic`` makes the requests.
``journal`` takes the log records, writes the files and the true origin of each line. ``live`` runs the shop by the wall
clock and sends its records to a service. Read ``simulate`` first.
"""
