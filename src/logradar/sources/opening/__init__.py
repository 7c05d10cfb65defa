"""Opening: find out what an input is, and read it.

What comes in is the INPUT of a command (file, folder, glob, stdin); what goes out are LOG_RECORDS. ``opening``
is the entry: it finds files, recognises their format, and discovers headers, timestamps, levels and session
keys. What cannot be read goes to the quarantine with its position. Read ``opening`` first.
"""
