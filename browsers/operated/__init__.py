"""Playwright scripts in Python, which those who operate this Grove run: docs/decisions/macros.md tells why so.

approved  which texts an operator has read and approved, inside the object
apart     has one run in a process of its own, within its limits, and ends all that it began
child     that process: a Chromium of its own, from the object's profile, and back to it
"""
