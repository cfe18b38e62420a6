"""Ports: the one that people open, and free ones for the embedded servers."""

import errno
import random
import socket

from config.up.say import Failure

BACKLOG = 4096  # connections that wait while web processes start or are busy; the kernel may allow fewer


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that all web processes share. Raises Failure, which names another port that is free."""
    if not 0 <= port <= 65535:
        raise Failure(f"There is no port {port}: ports are 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        door = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Failure(why_not(host, port, error)) from error
    # Connections inherit it. uvicorn (0.54) takes an inherited socket for a local one and leaves this out: an answer in
    # two writes then waited 44 ms for the client's delayed acknowledgement.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def why_not(host: str, port: int, error: OSError) -> str:
    """Put into words why nobody can listen there."""
    number = error.errno
    if number == errno.EADDRINUSE:
        other = free_port(host, near=port + 1)
        return (
            f"Port {port} on {host} is in use by another program. Stop that, or choose another port:\n"
            f"  python3 manage.py up --port {other}"
        )
    if number in (errno.EACCES, errno.EPERM):
        return f"Port {port} needs root's rights. Choose one above 1023: python3 manage.py up --port 8000"
    if isinstance(error, socket.gaierror) or number == errno.EADDRNOTAVAIL:
        return (
            f"This machine has no address {host!r}. Use 127.0.0.1 (only this machine) or 0.0.0.0 (all its addresses)."
        )
    return f"Cannot listen on {host} port {port}: {error}"


def free_port(host: str = "127.0.0.1", near: int = 0) -> int:
    """Find a port that nobody uses now; from `near` on, if one of the next hundred is free."""
    # Below the range that outgoing connections take theirs from: a server started again must find its port free.
    wished = range(near, min(near + 100, 65536)) if near else random.sample(range(20_000, 32_000), 50)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in [*wished, 0]:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Failure(f"No port is free on {host}.")


def shown(host: str) -> str:
    """Give the host as a browser on this machine writes it in an address."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 -- compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
