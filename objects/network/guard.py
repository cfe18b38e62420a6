"""Which addresses may be reached: names are resolved here, once, and who connects takes the address that was checked.

Refused are all addresses that are not on the public internet (private, loopback, link-local, multicast, …, also where
they are wrapped into IPv6), and Grove's own servers. The operator's lists change that for a node: `GROVE_NETWORK_ALLOW`
and `GROVE_NETWORK_DENY`, comma-separated: `10.1.0.0/16`, `[fd00::7]:8080`, `hooks.example.com`, `*.example.com:443`.
What is denied stays denied. Grove's own ports need an entry with the port.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Self
from urllib.parse import urlsplit

import psutil
from django.conf import settings

from teams.problems import NotAllowed, OutOfTime, Problem

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]


class Unreachable(Problem):
    """The other side could not be reached, or broke off."""

    type, title, status = "unreachable", "The other side did not answer", 502


# IANA's registries of special addresses, and IPv6 beyond what is given out (2000::/3). Python's `is_global` is asked as
# well, but 3.11 takes some of these for public.
_SPECIAL: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *(
                "224.0.0.0/4",
                "240.0.0.0/4",
                "2001::/23",
                "2001:db8::/32",
                "2002::/16",
                "2620:4f:8000::/48",
                "3fff::/20",
            ),
        ),
    )
)
_GIVEN_OUT: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # what a DNS64 makes of a name that has IPv4 alone


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet's, and not another one in disguise."""
    inner = _unwrapped(address)
    if inner.version == 6 and inner not in _GIVEN_OUT:
        return False
    return inner.is_global and not inner.is_multicast and not any(inner in each for each in _SPECIAL)


def _unwrapped(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 one stands for: ::ffff:127.0.0.1 is 127.0.0.1."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of the operator's lists: a network or a name ("*.example.com" is all below it), and perhaps a port."""

    network: Network | None
    name: str
    port: int | None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read an entry. Raises ValueError."""
        match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+|[0-9A-Fa-f:./]+?)(?::([0-9]{1,5}))?", text.strip())
        host, port = (match[1], match[2]) if match else ("", None)
        if text.count(":") > 1 and not text.startswith("["):
            host, port = text.strip(), None  # an IPv6 network without brackets has no port
        host = host.strip("[]")
        try:
            return cls(ipaddress.ip_network(host), "", int(port) if port else None)
        except ValueError:
            if re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", host.lower()) and not host[-1].isdigit():
                return cls(None, host.lower(), int(port) if port else None)
            raise ValueError(
                f"{text!r} is neither a network such as 10.0.0.0/8 nor a name such as *.example.com"
            ) from None

    def fits(self, host: str, address: Address, port: int) -> bool:
        """Whether the entry speaks of this."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return any(each.version == self.network.version and each in self.network
                       for each in (address, _unwrapped(address)))  # fmt: skip
        return host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be reached from this node.

    own: ports of Grove itself on this machine. servers: addresses of its database and broker, wherever they are.
    """

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    own: frozenset[int] = frozenset()
    servers: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve | None = None

    def addresses(self, host: str, port: int, timeout_s: float = 10.0) -> list[str]:
        """Resolve a name and give the addresses to connect to; these and no others were checked.

        Raises NotAllowed where one of them may not be reached, Unreachable where there is none, OutOfTime.
        """
        host = host.strip("[]").rstrip(".").lower()
        found = [_address(each) for each in _in_time(self.resolve or _resolve, host, port, timeout_s)]
        for address in found:
            self._check(host, address, port)
        return [str(address) for address in found]

    def _check(self, host: str, address: Address, port: int) -> None:
        where = host if host == str(address) else f"{host} ({address})"
        if any(rule.fits(host, address, port) for rule in self.deny):
            raise NotAllowed(f"{where}: this Grove reaches nothing there (GROVE_NETWORK_DENY).")
        allowed = [rule for rule in self.allow if rule.fits(host, address, port)]
        if self._is_own(address, port):
            if not any(rule.port is not None for rule in allowed):
                raise NotAllowed(f"{where}: port {port} there is Grove's own.")
        elif not allowed and not is_public(address):
            raise NotAllowed(
                f"{where}: is not an address of the public internet. "
                "Where it is meant, the operator of this Grove adds it to GROVE_NETWORK_ALLOW."
            )

    def _is_own(self, address: Address, port: int) -> bool:
        plain = _unwrapped(address)
        if (str(plain), port) in self.servers:
            return True
        return port in self.own and (plain.is_loopback or plain.is_unspecified or str(plain) in own_addresses())


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])  # a zone says on which cable a link-local address is


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _in_time(resolve: Resolve, host: str, port: int, timeout_s: float) -> Sequence[str]:
    """Resolve beside this thread: the system's resolver knows no deadline."""
    found: list[Sequence[str]] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            found.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name=f"resolves {host[:60]}")
    thread.start()
    thread.join(timeout_s)
    if found and found[0]:
        return found[0]
    if errors or found:
        raise Unreachable(f"{host[:255]}: no such host. Look for a slip of the pen in the name.")
    raise OutOfTime(f"{host[:255]}: its name was not resolved in {timeout_s:.1f} s.")


@cache
def own_addresses() -> frozenset[str]:
    """Give the addresses of this machine."""
    return frozenset(
        each.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family in (socket.AF_INET, socket.AF_INET6)
    )


def rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Read the entries of a list. Raises ValueError."""
    return tuple(map(Rule.read, texts))


def _server(url: str, port: int) -> tuple[set[tuple[str, int]], int]:
    parts = urlsplit(url)
    port = parts.port or port
    host = parts.hostname or "localhost"
    try:
        return {(str(_unwrapped(_address(each))), port) for each in _resolve(host, port)}, port
    except OSError:
        return set(), port


@cache
def guard() -> Guard:
    """Give this node's guard, made of its settings."""
    database, database_port = _server(settings.DATABASE_URL, 5432)
    broker, broker_port = _server(settings.VALKEY_URL, 6379)
    own = {database_port, broker_port, *settings.OWN_PORTS}
    return Guard(
        allow=rules(settings.NETWORK_ALLOW),
        deny=rules(settings.NETWORK_DENY),
        own=frozenset(own - {0}),
        servers=frozenset(database | broker),
    )
