"""Models of single values: what numbers, categories and waiting times are usual for a template.

`reading` turns texts into numbers, `samples` and `texts` take values in within bounded memory,
`tails` says how surprising a number is and `novelty` how surprising a text is that never came before.
"""
