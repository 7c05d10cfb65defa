"""Redaction: what must not leave the machine is replaced by fixed words such as ``<EMAIL>``.

What comes in are texts, one or many: a column, a table such as ALERTS, or a JSON document. What goes out is the same
with e-mail addresses, tokens, passwords, cookies, keys of vendors, private keys, IP addresses, card numbers, IBANs,
phone numbers and logins of URLs replaced. It is a help and no guarantee: it knows what such things look like, and a
password in the middle of a sentence looks like any other word.

Read ``rules`` first: the rules as data. ``numbers`` has those that need arithmetic (the check digits of cards and
IBANs), ``redactor`` applies all of them. Logs are hostile, so every rule takes time in proportion to the text: those
of ``rules`` are regexes of Rust, which never go back, and those of ``numbers`` look at a bounded piece of text at a
time.
"""
