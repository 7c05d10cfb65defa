"""Ingest: log records as shippers send them by HTTP become arrivals, which a sink puts on disk before it answers.

Bodies of OTLP, Loki push, Elasticsearch bulk and Splunk HEC come in, at the paths of these protocols; `Arrival` objects
go to a `Sink`, and the answer is that of the protocol. What one sender gets wrong costs its own request, or only its
own record. Read ``routes`` first: it shows the way of a request; then ``otlp``, the decoder that others resemble.
"""
