"""Opening finds the files of an input, determines how to read them, and reads log lines as records.

What comes in is the INPUT of a command: a file, a folder, a pattern, standard input, a prepared folder or the name of a
data set. What goes out is an `opening.Opened`, which yields LOG_RECORDS in batches and states how they were read. Input
that cannot be read goes to the quarantine with its position.

Read ``opening`` first: `open_input` calls all others. The steps are:

1. ``files`` finds the files, ``selection`` and ``file_dates`` choose some by date, ``labels`` reads label files.
2. ``recognising`` determines the source of each file by its content.
3. ``formats`` detects the format of its lines: ``wrappers`` (Docker, Kubernetes), ``headers`` (time, level, component)
   of ``header_table``, ``logfmt`` pairs, ``json_lines`` with the keys that ``json_names`` finds; ``levels`` translates
   level words. ``dating`` settles what lines alone do not tell about dates: the order of day and month, the year.
   ``documents`` finds the events of one large JSON document.
4. ``session_keys`` searches the lines for a field that connects the lines of one session, ``id_places`` for tokens that
   behave like ids.
5. ``reading`` returns blocks of clean lines, and ``records`` turns them into records; ``joining`` joins the lines of a
   long message, and ``traces`` knows which lines continue a stack trace.
6. ``notes`` are the sentences that tell people how the input is read, ``remarks`` those on what stands out once it was.
"""
