"""What neural detectors share: vocabulary, windows, training, ONNX, scoring.

What comes in are sequences of template ids; what goes out is a surprisal for every event. Read `body` first: it holds
the class from which all derive; a subclass gives a network, the rows that it learns from and the meaning of its output.
Torch is imported to train a network, never to score.
"""
