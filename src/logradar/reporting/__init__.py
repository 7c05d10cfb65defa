"""Reporting: pages, plots and summaries for people.

What comes in are the figures and tables that an act of the pipeline wrote; what goes out are HTML pages that
need no network, PNG plots and sentences. ``evaluation_page``, ``comparison_page`` and ``inventory_page`` write
one page each, with a ``*_summary`` of sentences and a ``*_plots`` of pictures beside them. ``html`` fills the
templates in ``page``, ``canvas`` holds the style of all plots. Read ``evaluation_page`` first.
"""
