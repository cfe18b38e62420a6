"""What a web process serves: calls and sockets as bare ASGI, everything else by Django.

Any ASGI server can run it. Under Daphne's command line it also makes Daphne keep to bounds: see `config.server`.
"""

import atexit
import gc
import os
import sys
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import URLPattern, get_resolver, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402 -- all below needs Django to be set up

from browsers.live.socket import watch  # noqa: E402
from objects import live  # noqa: E402
from objects.engine import running  # noqa: E402
from objects.surfaces.absent import no_socket  # noqa: E402
from objects.surfaces.http import api  # noqa: E402
from objects.surfaces.page_socket import page  # noqa: E402
from objects.surfaces.socket import socket  # noqa: E402
from teams import presence  # noqa: E402
from terminal.consumer import terminal  # noqa: E402


def _at(pattern: str, served_by: Any) -> URLPattern:
    """Route to an ASGI application; Django's types know views only."""
    route: URLPattern = re_path(pattern, served_by)
    return route


# Order: the first that matches. Patterns are searched in the path without its first slash.
application = ProtocolTypeRouter({
    "http": URLRouter([_at(r"^api/v1/", api), _at(r"", get_asgi_application())]),
    "websocket": URLRouter([
        _at(r"^ws/v1/", socket), _at(r"^ws/page/", page), _at(r"^ws/terminal/", terminal), _at(r"^ws/browser/", watch),
        _at(r"", no_socket),
    ]),
})  # fmt: skip

if "daphne.cli" in sys.modules:
    from daphne.cli import CommandLineInterface

    from config.server import Server

    CommandLineInterface.server_class = Server


presence.announce("web")


@atexit.register
def _end() -> None:
    """Answer what waits, and tell other processes what was changed."""
    running.stop()
    live.stop()


running.engine()  # loads all kinds: otherwise the first call would, and nobody be answered meanwhile

# What is loaded stays for good. Left among the rest, the collector goes through all of it again and again: 230 ms each
# time in which nobody is answered (Python 3.11, 50 people typing in terminals).
get_resolver().url_patterns  # noqa: B018 -- loads the pages
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 20)
