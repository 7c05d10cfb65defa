"""The commands `logradar code …`: source code is indexed, and explains lines.

Like the commands beside it, each file parses arguments, makes one library call and prints the result; what comes in
are words, what goes out is text or one JSON document. Read ``index`` first.
"""
