"""Learning: what `train` and `continue_training` have in common. Read ``fitting`` first."""
