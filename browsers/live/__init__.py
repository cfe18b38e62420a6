"""The live view: people watch an object's browser, and one of them drives it.

Frames go from the host's process (`casting`) through Valkey to web processes (`socket`) and from there to readers. What
a driver does comes back the same way (`hands`). Who may do what is decided in `socket`, as everywhere; the host hears
from Grove's own processes only. No port of Chromium is ever open.
"""
