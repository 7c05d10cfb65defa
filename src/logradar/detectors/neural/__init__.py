"""The body that neural detectors share: vocabulary, windows, training, ONNX, scoring.

`body` holds the class they derive from; a subclass gives a network, the rows that it learns from
and what its output means. Torch is imported when a network is trained, never to score. Read ``body`` first.
"""
