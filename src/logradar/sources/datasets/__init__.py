"""What the sources of published, labelled data sets share.

What comes in are the files as their authors published them; what goes out are LOG_RECORDS with labels. ``numbered``
reads sessions that are published as event numbers, with their ``texts`` where the templates are published too, and
``tables`` makes tables of them. ``lines`` reads raw lines whose labels are in other files, ``nezha`` the CSV of two
microservice data sets. Read ``numbered`` first.
"""
