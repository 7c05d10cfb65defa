"""Preparation: what `prepare` writes besides Parquet: day files and texts. Read ``write_day_files`` first."""
