"""Serving: LogRadar as a service that takes in logs from any shipper and tells what is not normal as it happens.

Logs come in over the protocols of ``ingest`` and ``listeners``, are on disk in ``wal`` before a sender hears that they
arrived, become records in ``intake``, are scored in ``detection`` by the same step as in `logradar detect`, and what is
found rests in ``store``. From there it goes out by ``notifications``. The service is thin: no rule of detection is its
own. Read ``arrivals`` first: it says what a sender delivers; ``service`` puts the parts together.
"""
