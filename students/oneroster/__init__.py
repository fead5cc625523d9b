"""
OneRoster 1.1 and 1.2 CSV packages, read, checked and written.

Plain Python without Django or a database: a package on disk becomes a :class:`~.reader.Roster`
of checked rows, and rows become a package. What is done with them is ``students.actions``.
"""
