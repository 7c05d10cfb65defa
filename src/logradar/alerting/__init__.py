"""Alerting: which sessions a person should look at, and why.

What comes in are SCORES, FINDINGS and SESSIONS; what goes out are ALERTS. ``threshold`` turns scores into yes or no
and is fitted on normal validation sessions only; ``tail`` estimates scores that are too rare to count. ``confidence``
says how sure a score is, ``severity`` how urgent an alert is, ``evidence`` which log lines show it; ``alerts`` puts
them together. ``signature`` describes how a session differs from normal ones, so that ``feedback`` recognises it when
it comes again. ``drift`` says whether new sessions are still like those that the threshold was fitted on. Read
``alerts`` first.
"""
