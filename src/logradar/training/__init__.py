"""Training: the one loop that trains every network, built on the Hugging Face `Trainer`.

What comes in: a network, its loss, weighted rows to learn from and rows to validate on. What comes out: the network
with the weights of the best epoch, a `history.History`, and files in the folder of the run. Read `loop` first.
`settings` lists what can be set, `rows` and `ragged` hold the training data, `streaming_rows` reads it from disk. Only
`loop` and the modules that it uses import torch; a detector imports `loop` when it is fitted, not earlier.
"""

import os

# By default, waiting OpenMP threads keep their core busy. Where other processes need the same cores, this made a step
# of a small LSTM 30 times slower (experiments/LOG.md). The variable must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # torch warns about how its processes connect; users cannot change that
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
