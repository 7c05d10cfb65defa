"""Training: the one loop under every network, on the Hugging Face `Trainer`.

`settings` says what can be set, `rows` what is learnt from, `loop` trains. Only `loop` and what it
needs import torch; a detector imports `loop` when it is fitted, not before. Read ``loop`` first.
"""

import os

# Waiting threads of OpenMP spin, and where other processes want the same cores that made a step of
# a small LSTM 30 times slower (experiments/LOG.md). It must be said before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # torch warns of how its processes meet, which nobody here can change
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
