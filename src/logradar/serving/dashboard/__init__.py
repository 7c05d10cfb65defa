"""Dashboard: the pages of the service, for people in a browser.

Each page is a module that asks the store and the service, and a template in the folder of pages that shows the answer.
Pages work without JavaScript; with it parts of them are replaced as things change. Log lines may be hostile: everything
is escaped, invisible characters are written out, and browsers are forbidden to run or load anything but the files of
this package. Read ``router`` first.
"""
