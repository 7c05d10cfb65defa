"""Decoding: from bytes of a file to plain bytes, from texts to times, and from Parquet files to tables.

``compression`` unpacks gz, xz, zst and bz2 files in pieces of bounded size, ``encoding`` turns them into UTF-8 without
runs of NUL bytes, ``timestamps`` reads columns of timestamps in any known layout of ``layouts``, with ``zones`` and
``day_order``, ``parquet`` reads the files of prepared folders. Nothing here knows about kinds of logs.
Read ``compression`` first.
"""
