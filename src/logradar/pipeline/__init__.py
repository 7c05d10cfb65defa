"""The pipeline: what the commands call, one act per file.

`prepare`, `train`, `continue_training`, `detect`, `evaluate`, `compare`, `validate`, `export`, `feedback` and
`demo` put the stages in order: they read an input, group it into sessions, fit or load a bundle, and hand the
results to a page or a file. Read `detect` first, it is the shortest.
"""
