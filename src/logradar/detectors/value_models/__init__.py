"""Models of single values: which numbers, categories and waiting times are normal for a template.

What comes in are the parameters and gaps of events; what goes out is how surprising each value is, and why.
``numbers`` turns texts into numbers, ``samples`` collects values within bounded memory, ``tails`` says how surprising
a number is, ``novelty`` how surprising a text is that never came before, ``reasons`` says so in words. Read
``models`` first.
"""
