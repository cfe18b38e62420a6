"""Browsers: every object has one of its own, which a browser host keeps while it is used, and its file for ever.

commands    what objects can do with their browser: a task each, with the place "browser"
host        runs such tasks in one event loop that owns a Chromium; a Celery worker's threads supervise them
sessions    the browsers that are awake on this host: a context each, with tabs
profile     what outlives them, as the object's file has it: cookies, storage, tabs, settings
finding     which Chromium there is on this machine
"""
