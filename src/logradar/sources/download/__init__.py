"""Download gets archives of public logs: from mirrors, checked, resumed where a connection broke, and unpacked.

What comes in are names of archives, a folder, and the settings that say where each archive is and what its SHA-256 is.
What goes out are the archive and its unpacked files in that folder, and a document that says how they came there. A
file that a person placed there is taken without any request. Where no mirror answers, the folder of the named data
sets serves, and a sentence says so.

Read ``downloading`` first: `download` is the entry point. The steps are:

1. ``settings`` are the mirrors, digests and bounds; ``addresses`` says which URLs are allowed.
2. ``fetching`` takes one archive from the first mirror that gives the right bytes, with several tries of each.
3. ``receiving`` is one try: ``incoming`` asks a mirror and follows redirects, ``part`` is what has come so far.
4. ``unpacking`` writes the members of an archive; ``members`` reads them, and refuses what no honest archive holds.

Nothing gets the name of the archive before it was checked, and nothing outside of the folder is written.
"""
