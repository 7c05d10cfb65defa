"""Calibrate and combine the scores of several detectors; the parts of the detector ``ensemble``.

What comes in are scores of members; what goes out is one surprise per session, -log10 of a p-value. In order of use:
`cross_conformal` scores normal sessions as if they were new, `p_values` turns scores into surprises, `combine` fuses
them, `synthetic_anomalies` and `cutoff` find the surprise from which on a session is worth an alert, `service_bias`
corrects for services that surprise more than others, `member_scores` scores new sessions one by one, and
`outlier_trimming` finds normal sessions that training had better leave out. Read ``p_values`` first.
"""
