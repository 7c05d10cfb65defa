"""Text: what detectors share that read the words of a log, not only the numbers of its templates.

What comes in: sessions as texts, one for each event: the template of the event, or the masked line where the template
is not known. What goes out: for every word how surprising it is. Read `texts` first: it turns sessions into numbers of
texts. `normaliser` says what of a text counts, `tokenizer` cuts it into words and parts of words, `frames` puts the
texts of a session in one row, `word_masking` asks questions of such rows, `language_network` answers them (DistilBERT),
`word_surprise` measures the answers, and `body` is the base class that trains, saves and loads.
"""
