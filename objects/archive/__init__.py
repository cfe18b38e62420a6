"""Objects as files: one object is an SQLite file, a subtree is one archive.

`form` is the archive's form, without a database; `outgoing` makes files of objects, `incoming` makes objects of files.
"""
