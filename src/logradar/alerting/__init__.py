"""Alerting: SCORES -> ALERTS.

`threshold` turns scores into yes or no and is fitted on normal validation data only,
`severity` says how urgent an alert is, `alerts` tells a person which lines gave it away.
"""
