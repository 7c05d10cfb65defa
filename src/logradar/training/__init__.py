"""Training: the one loop under every network, on the Hugging Face `Trainer`.

`settings` says what can be set, `rows` what is learnt from, `loop` trains. Only `loop` and what it
needs import torch; a detector imports `loop` when it is fitted, not before.
"""
