"""Reporting: pages, plots and summaries for people.

The input are the figures and tables that a step of the pipeline wrote; the output are HTML pages that need no
network, PNG plots and sentences. ``evaluation_page``, ``comparison_page`` and ``inventory_page`` write one page
each. Each has a ``*_summary`` with its sentences and a ``*_plots`` with its pictures (the report has
``curve_plots``, ``plots`` and ``time_plots``). ``detector_table`` is the table that two pages share, ``html`` fills
the templates in ``page``, ``canvas`` has the style of all plots. Read ``evaluation_page`` first.
"""
