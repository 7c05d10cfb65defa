"""The store: what detection found and what people said of it, in SQLite or PostgreSQL; raw lines rest elsewhere.

In come documents of alerts, incidents and rate changes, counts and notifications, one transaction for each step of the
stream, and what people do. Out come pages of them, series, figures, the feed of changes and what is due to be sent.
What is written again under its id replaces what is there, so a replay after a crash changes nothing. Read ``store``
first.
"""
