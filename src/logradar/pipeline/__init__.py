"""The pipeline: the functions that the commands call, one step per file.

`prepare`, `train`, `continue_training`, `detect`, `evaluate`, `compare`, `validate`, `export`, `feedback` and
`demo` each read an input, group it into sessions, fit or load a bundle, and write the
results to a page or a file. What several of them need is in packages: ``training_data``, ``learning``, ``detection``,
``measuring``, ``preparation``. Read `detect` first.
"""
