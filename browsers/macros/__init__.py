"""Macros: what is done to a browser again and again, as a text of lines, kept in the object's file.

language    a text to steps: each line is a command of the browser, or one of a few words of its own
store       where an object keeps them: their texts, what was recorded, and how they were played
secrets     what macros type and nobody is shown, locked in the object's file
recording   what is done to a browser becomes lines while somebody records
playing     does the steps of one, one after the other, and tells how each went
tables      rows that a macro goes through, and tables of the object that it adds to
playwright  writes one as a test in Python, for pytest-playwright
"""
