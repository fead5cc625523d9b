"""
CASE packages as plain values: reading, what is tolerated, what is refused. No Django.

:func:`competencies.case.package.read_package` is the way in.
"""
