"""What is taken away from somebody ends within 2 s: over HTTP, on open sockets and in streams of events."""

# ruff: noqa: T201 -- each way of taking gets the same three; the times are to be seen

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import websockets
from django.utils import timezone

from teams import actions
from teams.access import Role
from teams.models import Person, Team, Token
from tests.fair import fair
from tests.surfaces.conftest import Site

PROMISE_S = 2.0

Taking = Callable[[Team, Person, Token], None]


def switch_off(team: Team, person: Person, token: Token) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)


TAKEN: dict[str, Taking] = {
    "the token is revoked": lambda team, person, token: void(
        actions.revoke_token(team=team, by=team.owner, token=token)
    ),
    "the token expires": lambda team, person, token: void(
        Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    ),
    "the grant is taken": lambda team, person, token: actions.take_grant(
        team=team, by=team.owner, person=person, path="/taken"
    ),
    "the subtree is denied": lambda team, person, token: void(
        actions.give_grant(team=team, by=team.owner, person=person, path="/taken", role=Role.NONE)
    ),
    "the person leaves": lambda team, person, token: actions.remove_member(team=team, by=team.owner, person=person),
    "the person is switched off": switch_off,
    "the token's paths become others": lambda team, person, token: void(
        Token.objects.filter(pk=token.pk).update(paths=["/elsewhere"])
    ),
}


def void(_value: object) -> None:
    """Nothing of it is wanted."""


async def heard_last(site: Site, headers: dict[str, str], ready: asyncio.Event) -> float:
    """When the last event reached a socket."""
    at = 0.0
    async with site.socket("/taken", additional_headers=headers) as line:
        await line.send('{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}')
        try:
            async with asyncio.timeout(10):
                async for message in line:
                    ready.set()
                    if json.loads(message).get("method") == "event":
                        at = time.monotonic()
                    elif json.loads(message).get("method") == "unsubscribed":
                        return at
        except websockets.ConnectionClosed:
            pass
    return at


async def streamed_last(site: Site, headers: dict[str, str], ready: asyncio.Event) -> float:
    """When the last event reached a stream."""
    at = 0.0
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("GET", site.url("/taken:state.watch"), headers=headers) as answer,
    ):
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            ready.set()
            if line.startswith("event: state"):
                at = time.monotonic()
            elif line.startswith("event: closed"):
                break
    return at


async def called_last(site: Site, headers: dict[str, str], ready: asyncio.Event) -> float:
    """When the last call over HTTP went through."""
    at = 0.0
    async with httpx.AsyncClient(timeout=10) as client:
        while True:
            answer = await client.get(site.url("/taken:state.get?key=n"), headers=headers)
            if answer.status_code != 200:
                return at
            at = time.monotonic()
            ready.set()
            await asyncio.sleep(0.01)


async def called_last_on_a_socket(site: Site, headers: dict[str, str], ready: asyncio.Event) -> float:
    """When the last call over a socket went through."""
    at = 0.0
    async with site.socket("/taken", additional_headers=headers) as line:
        try:
            while True:
                await line.send('{"jsonrpc": "2.0", "id": 1, "method": "state.get", "params": {"key": "n"}}')
                if "result" not in json.loads(await asyncio.wait_for(line.recv(), 10)):
                    return at
                at = time.monotonic()
                ready.set()
                await asyncio.sleep(0.01)
        except websockets.ConnectionClosed:
            return at


@pytest.mark.parametrize("name", TAKEN)
async def test_it_ends_within_two_seconds_everywhere(site, team, member, token, name):
    await asyncio.to_thread(site.new, "/taken")
    person = await asyncio.to_thread(member, team, Role.NONE, {"/taken": Role.EDITOR})
    row, secret = await asyncio.to_thread(token, team, person)
    headers = {"Authorization": f"Bearer {secret}"}
    ways = (heard_last, streamed_last, called_last, called_last_on_a_socket)
    readies = [asyncio.Event() for _ in ways]
    watching = [asyncio.create_task(way(site, headers, ready)) for way, ready in zip(ways, readies, strict=True)]
    async with asyncio.timeout(15):
        for ready in readies:
            await ready.wait()
    is_over = asyncio.Event()

    async def keep_changing() -> None:
        async with httpx.AsyncClient() as client:
            while not is_over.is_set():
                await client.post(site.url("/taken:state.incr"), json={"key": "n"}, headers=site.bearer)
                await asyncio.sleep(0.02)

    changing = asyncio.create_task(keep_changing())
    await asyncio.sleep(0.3)

    await asyncio.to_thread(TAKEN[name], team, person, row)
    since = time.monotonic()
    lasts = await asyncio.gather(*watching)
    is_over.set()
    await changing
    took = {way.__name__: round(max(0.0, last - since), 2) for way, last in zip(ways, lasts, strict=True)}

    print(f"\n{name}: {took}")
    assert min(lasts) > 0, "something never heard anything"
    assert max(took.values()) <= fair(PROMISE_S)
