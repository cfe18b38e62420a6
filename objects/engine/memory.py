"""Gives back to the system what a large commit used.

glibc keeps freed memory in an arena for each thread, in pieces between what is still in use: files of 32 MiB grew a
process by 130 MiB for each thread that took one, for good.
"""

import ctypes

LARGE_PAGES = 1024  # a commit of fewer leaves so little that asking costs more: 1 ms and up

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own; others give back by themselves


def give_back() -> None:
    """Give free memory of all threads back; others run meanwhile."""
    if _trim is not None:
        _trim(0)
