"""Models of single values: which numbers, texts and waiting times are normal for a template.

What comes in are gaps and parameters of sessions; what goes out is a surprisal in nats for each value. Read `models`
first. `numbers` reads numbers from texts, `samples` keeps a sample of them in bounded memory, `tails` says how
surprising a number is, `novelty` how surprising a text is that never came before, and `reasons` says so in a sentence.
"""
