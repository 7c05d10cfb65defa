"""API: what programs and pages ask of the service over HTTP, under ``/api/v1``, and who may ask.

Each noun has a file with its routes; each route checks what it was given, asks the store or the service, and answers
JSON, or a problem as RFC 9457 describes it. Keys, cookies and the rate of failed attempts are in ``guard``, which
ingest and the dashboard use as well. Read ``routes`` first.
"""
