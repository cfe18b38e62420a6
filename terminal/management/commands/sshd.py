"""`manage.py sshd`: terminals over SSH, as `up` starts it."""

import asyncio
import logging
import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from objects import live
from objects.engine import running
from teams import presence
from terminal import ssh


class Command(BaseCommand):
    """Serves SSH until told to stop."""

    help = "Serve terminals over SSH: ssh -p PORT team@host. `up` does so already."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8022)
        parser.add_argument("--fd", type=int, help="a socket that listens already, in place of host and port")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        presence.announce("ssh")
        door = socket.socket(fileno=options["fd"]) if options["fd"] is not None else None
        try:
            asyncio.run(ssh.serve(host=options["host"], port=options["port"], door=door))
        finally:
            running.stop()
            live.stop()
