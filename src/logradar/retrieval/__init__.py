"""Retrieval: which statement in the source code wrote a log line, and what the code around it does.

A folder of source code comes in; an index of its log statements, functions and calls goes out (``code_index``). Then
log lines come in, and the statement that wrote each goes out, or none where that is not certain (``linker``).

A source file passes through these files::

    source_files ─▶ parsed_file (grammars) ─▶ extraction (messages, names) ─▶ wrappers ─▶ code_index
    a log line   ─▶ locations, else statement_search (patterns) ─▶ linker ─▶ links of alerts
                                                                      └▶ guide (history, code_search) ─▶ assistant

``grammars`` is the table of languages. ``guide`` answers with files and lines alone; ``assistant`` may ask a language
model for words, and believes none of them. ``sentence_model`` makes guesses better. Read ``linker`` first.
"""
