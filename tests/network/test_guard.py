"""Nothing reaches an address that is not the public internet's, however it is written, unless the operator says so."""

import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objects.network import guard as guards
from objects.network.client import Request, fetch
from objects.network.guard import Guard, Rule, Unreachable, is_public, rules
from teams.problems import NotAllowed, OutOfTime, WrongArgument
from tests.network.conftest import Site, answer, redirect

PUBLIC = "93.184.215.14"


def resolving(*answers: list[str]):
    """A resolver that gives these, one after the other, and the last again and again."""
    left = list(answers)

    def resolve(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


WAYS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "0.0.0.0", "0",
    "localhost", "localhost.", "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]", "[::127.0.0.1]", "127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "[2002:7f00:1::]", "[fe80::1%25lo]",
]  # fmt: skip


@pytest.mark.parametrize("host", WAYS)
def test_no_way_of_writing_it_reaches_this_machine(site: Site, host: str):
    site.pages["/"] = answer(b"secret")

    with pytest.raises((NotAllowed, Unreachable, WrongArgument)):
        fetch(Request("GET", f"http://{host}:{site.port}/", seconds=5), by=Guard())

    assert site.asked == []


@pytest.mark.parametrize("host", WAYS)
def test_no_redirect_leads_to_this_machine(site: Site, host: str):
    site.pages["/"] = redirect(f"http://{host}:{site.port}/secret")
    site.pages["/secret"] = answer(b"secret")
    by = Guard(allow=rules(["front.example"]), resolve=lambda name, port: ["127.0.0.1"] if name == "front.example" else
               guards._resolve(name, port))  # fmt: skip

    with pytest.raises((NotAllowed, Unreachable, WrongArgument)):
        fetch(Request("GET", site.url(host="front.example"), seconds=5), by=by)

    assert [path for _, path, _, _ in site.asked] == ["/"]


SPECIAL = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "100::1",
    "2001::1", "2001:2::1", "2001:db8::1", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", SPECIAL)
def test_a_name_that_leads_to_a_special_address_is_refused(address: str):
    by = Guard(resolve=resolving([address]))

    with pytest.raises(NotAllowed, match="not an address of the public internet"):
        by.addresses("innocent.example", 80)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_the_public_internet_is_reached(address: str):
    assert Guard(resolve=resolving([address])).addresses("innocent.example", 80) == [str(ipaddress.ip_address(address))]


@given(st.ip_addresses())
def test_what_is_taken_for_public_is_global_to_python_too(address):
    assert not is_public(address) or guards._unwrapped(address).is_global


def test_one_special_address_among_public_ones_is_enough():
    with pytest.raises(NotAllowed):
        Guard(resolve=resolving([PUBLIC, "10.0.0.1"])).addresses("mixed.example", 80)


def test_a_name_that_changes_its_mind_is_asked_once(site: Site):
    site.pages["/"] = answer(b"ours")
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    by = Guard(allow=rules(["127.0.0.1"]), resolve=resolve)

    assert fetch(Request("GET", site.url(host="rebinding.example")), by=by).body == b"ours"
    assert asked == ["rebinding.example"]


def test_the_operator_allows_a_network_a_name_and_a_port():
    by = Guard(allow=rules(["10.1.0.0/16", "hooks.example", "*.inside.example:443", "[fd00::7]:8080"]),
               resolve=resolving(["10.9.9.9"]))  # fmt: skip

    assert by.addresses("hooks.example", 80) == ["10.9.9.9"]
    assert by.addresses("a.inside.example", 443) == ["10.9.9.9"]
    for host, port in (("a.inside.example", 80), ("inside.example", 443), ("xhooks.example", 80)):
        with pytest.raises(NotAllowed):
            by.addresses(host, port)
    assert Guard(allow=by.allow, resolve=resolving(["10.1.2.3"])).addresses("x.example", 80) == ["10.1.2.3"]
    assert Guard(allow=by.allow, resolve=resolving(["fd00::7"])).addresses("x.example", 8080) == ["fd00::7"]


def test_what_is_denied_stays_denied():
    by = Guard(
        allow=rules(["10.0.0.0/8"]),
        deny=rules(["10.6.0.0/16", "*.bad.example", PUBLIC]),
        resolve=resolving(["10.6.1.1"]),
    )

    for host, resolve in (
        ("x.example", ["10.6.1.1"]),
        ("a.bad.example", ["8.8.8.8"]),
        ("y.example", [f"::ffff:{PUBLIC}"]),
    ):
        with pytest.raises(NotAllowed, match="GROVE_NETWORK_DENY"):
            Guard(allow=by.allow, deny=by.deny, resolve=resolving(resolve)).addresses(host, 80)


def test_groves_own_ports_need_an_entry_with_the_port():
    mine = sorted(each for each in guards.own_addresses() if ":" not in each)
    by = Guard(allow=rules(["0.0.0.0/0"]), own=frozenset({5432}), servers=frozenset({("10.0.0.5", 6379)}))

    for address, port in [
        *((each, 5432) for each in mine),
        ("10.0.0.5", 6379),
        ("0.0.0.0", 5432),
        ("::ffff:127.0.0.1", 5432),
    ]:
        with pytest.raises(NotAllowed, match="Grove's own"):
            Guard(allow=by.allow, own=by.own, servers=by.servers, resolve=resolving([address])).addresses(
                "x.example", port
            )
    allowed = Guard(allow=rules(["127.0.0.1:5432"]), own=by.own, resolve=resolving(["127.0.0.1"]))
    assert allowed.addresses("x.example", 5432) == ["127.0.0.1"]


def test_the_nodes_guard_knows_the_servers_of_its_settings(settings):
    guards.guard.cache_clear()
    try:
        made = guards.guard()
        ports = {guards.urlsplit(settings.DATABASE_URL).port or 5432, guards.urlsplit(settings.VALKEY_URL).port or 6379}

        assert ports <= made.own
        for port in ports:
            with pytest.raises(NotAllowed):
                made.addresses("127.0.0.1", port)
    finally:
        guards.guard.cache_clear()


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "nonsense here", "http://x", "1.2.3", ""])
def test_an_entry_that_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match=r"neither a network such as"):
        Rule.read(text)


def test_a_resolver_that_hangs_is_not_waited_for():
    by = Guard(resolve=lambda host, port: time.sleep(5) or [PUBLIC])

    with pytest.raises(OutOfTime, match=r"not resolved in 0\.1 s"):
        by.addresses("slow.example", 80, 0.1)


def test_a_name_that_is_none_is_said_so():
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Unreachable, match="no such host"):
        Guard(resolve=resolve).addresses("nowhere.example", 80)
