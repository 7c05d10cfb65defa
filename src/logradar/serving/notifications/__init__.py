"""Notifications: incidents to the tools that people on call have: Alertmanager, PagerDuty, Slack, any webhook.

In come the rows of INCIDENTS before and after a step of the stream; what of it a receiver gets to know goes into the
outbox of the store, in the transaction that stores the rows. Out go requests over HTTP, by one thread for each
receiver, so that a dead one delays neither detection nor the others. Read ``plan`` first: what is sent, and under
which key.

``settings`` says who gets what, ``storm`` holds a storm together in one summary, ``news`` is a notification as a person
reads it (redacted, bounded), and ``alertmanager``, ``pagerduty``, ``slack`` and ``webhook`` write the documents.
``delivery`` runs a ``worker`` for each receiver.
"""
