"""The write-ahead log: what senders deliver is on disk before they are told so.

Arrivals come in from all protocols, frames on disk come out, in one order for the whole service. Everything after the
log is a function of its frames, so a service that was killed reads them again and comes to the same alerts. What
depends on the wall clock is in the log too: a tick says that time has passed. Read ``log`` first.
"""
