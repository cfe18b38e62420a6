"""Who may do what, at every address: worked out by a model of its own and compared with what a web process answers.

Everything comes from the registry and the URL configuration: a kind, facility, command or page of tomorrow is covered.
A call is sent with an argument that no command has. Rights are looked at before arguments, so whoever may call is told
of that argument (422) and nothing is changed; whoever may not is told only that.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets

from objects.commands.registry import Registry
from objects.commands.spec import CommandSpec
from teams.access import Role
from tests.security.asking import Asking
from tests.security.cast import OPEN, PLACES, SHUT, Actor, cast

UNKNOWN = "no-argument-has-this-name"
ALLOWED = (422, "wrong-argument")

registry = Registry()  # as the web process has it: without the kinds that other tests add to this process


@pytest.fixture(scope="module")
def kinds(web, team, token) -> dict[str, list[str]]:
    """Where there is an object of each kind: a plain one at the places themselves, others right beneath them."""
    _, secret = token(team)
    headers = {"Authorization": f"Bearer {secret}"}
    found: dict[str, list[str]] = {}
    for kind in registry.kinds:
        found[kind] = [path if kind == "object" else f"{path}/{kind}".replace("//", "/") for path in PLACES]
        for path in found[kind]:
            if path != "/":
                url = f"{web.url}/api/v1/{team.slug}{path}:tree.describe?create={kind}"
                answer = httpx.post(url, json={}, headers=headers)
                assert answer.status_code == 200, answer.text
    return found


@pytest.fixture(scope="module")
def actors(team, new_team, member, token) -> list[Actor]:
    return cast(team, new_team(), member, token)


def calls(kinds: dict[str, list[str]]) -> Iterator[tuple[str, CommandSpec]]:
    """Every command on every object that has it: a facility's on a plain one."""
    for kind, paths in kinds.items():
        specs = registry.commands(kind) if kind == "object" else registry.own_commands(registry.kind(kind))
        for path in paths:
            yield from ((path, spec) for spec in specs.values())


def expected(actor: Actor, path: str, spec: CommandSpec) -> tuple[int, str]:
    return actor.verdict(path, spec.name, spec.verb, spec.needs) or ALLOWED


def differences(rows: list[tuple[str, Any, Any]]) -> list[str]:
    """Say where what was told is not what the model says."""
    return [f"{what}: {got}, and the model says {wanted}" for what, got, wanted in rows if got != wanted]


def test_every_command_over_http_is_for_those_who_may(web, team, kinds, actors):
    rows = []
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in actors:
            for path, spec in calls(kinds):
                answer = client.ask("POST", f"{path}:{spec.name}", actor.headers, json_body={UNKNOWN: 1})
                rows.append((f"{actor.name}: POST {path}:{spec.name}", answer.told, expected(actor, path, spec)))

    assert differences(rows) == []


def test_every_command_by_get_is_for_those_who_may_if_it_only_reads(web, team, kinds, actors):
    rows = []
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in actors:
            for path, spec in calls(kinds):
                answer = client.ask("GET", f"{path}:{spec.name}", actor.headers, query={UNKNOWN: 1})
                wanted = expected(actor, path, spec)
                if spec.verb != "reads" and wanted[0] not in (401, 404):
                    wanted = (405, "wrong-method")
                rows.append((f"{actor.name}: GET {path}:{spec.name}", answer.told, wanted))

    assert differences(rows) == []


def test_every_upload_is_for_those_who_may(web, team, kinds, actors):
    rows = []
    octets = {"Content-Type": "application/octet-stream"}
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in actors:
            for path, spec in calls(kinds):
                if spec.uploads:
                    url = f"{path}:{spec.name}"
                    answer = client.ask("POST", url, actor.headers | octets, query={UNKNOWN: 1}, body=b"x")
                    rows.append((f"{actor.name}: upload {url}", answer.told, expected(actor, path, spec)))

    assert differences(rows) == []


def test_an_object_is_described_to_those_who_see_it(web, team, kinds, actors):
    rows = []
    describe = registry.command("object", "tree.describe")
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in actors:
            for paths in kinds.values():
                for path in paths:
                    answer = client.ask("GET", path, actor.headers)
                    verdict = actor.verdict(path, describe.name, describe.verb, describe.needs)
                    rows.append((f"{actor.name}: GET {path}", answer.told, verdict or (200, "")))

    assert differences(rows) == []


def test_the_list_of_commands_is_for_members(web, team, actors):
    rows = []
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in actors:
            answer = client.ask("GET", "/openapi.json", actor.headers)
            rows.append((actor.name, answer.told, actor.door or (200, "")))

    assert differences(rows) == []


def tops(actor: Actor) -> str | None:
    """A place where the actor's socket opens."""
    return next((path for path in PLACES if actor.door is None and actor.role_at(path) >= Role.VIEWER), None)


async def test_every_command_over_a_socket_is_for_those_who_may(web, team, kinds, actors):
    rows = []
    for actor in actors:
        top = tops(actor)
        if top is None:
            continue
        asked = list(calls(kinds))
        answers: dict[int, Any] = {}
        address = f"ws://127.0.0.1:{web.port}/ws/v1/{team.slug}{top}"
        async with websockets.connect(address, additional_headers=actor.headers) as socket:
            for first in range(0, len(asked), 100):
                for number in range(first, min(first + 100, len(asked))):
                    path, spec = asked[number]
                    request = {
                        "jsonrpc": "2.0",
                        "id": number,
                        "method": spec.name,
                        "path": path,
                        "params": {UNKNOWN: 1},
                    }
                    await socket.send(json.dumps(request))
                while len(answers) < min(first + 100, len(asked)):
                    answer = json.loads(await asyncio.wait_for(socket.recv(), 60))
                    data = answer.get("error", {}).get("data", {})
                    answers[answer["id"]] = (data.get("status", 200), data.get("type", ""))
        rows += [
            (f"{actor.name}: socket {path}:{spec.name}", answers[number], expected(actor, path, spec))
            for number, (path, spec) in enumerate(asked)
        ]

    assert len(rows) > 100
    assert differences(rows) == []


async def test_a_socket_opens_and_listens_where_its_caller_may_look(web, team, kinds, actors):
    rows = []
    describe = registry.command("object", "tree.describe")
    for actor in actors:
        for paths in kinds.values():
            for path in paths:
                address = f"ws://127.0.0.1:{web.port}/ws/v1/{team.slug}{path}"
                async with websockets.connect(address, additional_headers=actor.headers) as socket:
                    got: Any = await _subscribed(socket)
                wanted: Any = actor.verdict(path, describe.name, "reads", Role.VIEWER)
                if actor.door is not None or actor.role_at(path) < Role.VIEWER:
                    wanted = ("closed", 4000 + wanted[0])
                rows.append((f"{actor.name}: listen {path}", got, wanted or (200, "")))

    assert differences(rows) == []


async def _subscribed(socket: Any) -> tuple[Any, Any]:
    try:
        await socket.send('{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}')
        answer = json.loads(await asyncio.wait_for(socket.recv(), 60))
    except websockets.ConnectionClosed as closed:
        return "closed", closed.rcvd.code
    data = answer.get("error", {}).get("data", {})
    return data.get("status", 200), data.get("type", "")


def test_a_stream_of_events_begins_for_those_who_may(web, team, kinds, actors):
    rows = []
    with httpx.Client(base_url=f"{web.url}/api/v1/{team.slug}", timeout=30) as client:
        for actor in actors:
            for path, spec in calls(kinds):
                if not spec.streams:
                    continue
                with client.stream("POST", f"{path}:{spec.name}", json={}, headers=actor.headers) as answer:
                    if answer.status_code == 200:
                        got = (200, answer.headers["content-type"], next(answer.iter_lines()))
                    else:
                        got = (answer.status_code, json.loads(answer.read())["type"], "")
                verdict = actor.verdict(path, spec.name, spec.verb, spec.needs)
                wanted = (*verdict, "") if verdict else (200, "text/event-stream", "event: answer")
                rows.append((f"{actor.name}: stream {path}:{spec.name}", got, wanted))

    assert differences(rows) == []


async def test_what_is_hidden_and_what_is_not_there_look_the_same_byte_for_byte(web, team, kinds, actors):
    # Names of one length, so that nothing but the name may differ: /shut is there, /void is not.
    rows: list[tuple[str, Any, Any]] = []
    hidden_from = [actor for actor in actors if actor.role_at(SHUT) == Role.NONE]
    with Asking(web.port, f"/api/v1/{team.slug}") as client:
        for actor in hidden_from:
            asks: list[tuple[str, str, dict[str, Any]]] = [
                ("POST", f":{spec.name}{more}", {"json_body": {}})
                for _, spec in calls({"object": ["/"]})
                for more in ("", "?create=object", "?confirm=yes")
            ]
            asks += [("GET", f":{spec.name}", {}) for _, spec in calls({"object": ["/"]})]
            asks += [
                ("GET", "", {}),
                ("POST", ":no.command", {"json_body": {}}),
                ("POST", ":files.put?name=x", {"body": b"x"}),
            ]
            if actor.role_at("/void") != Role.NONE:  # who may look there may also make it: ask of it only
                asks = [("GET", "", {})]
            for method, what, options in asks:
                there = client.ask(method, f"{SHUT}{what}", actor.headers, **options)
                absent = client.ask(method, f"/void{what}", actor.headers, **options)
                rows.append((f"{actor.name}: {method} {SHUT}{what}", there.same(), absent.same("/void", SHUT)))
    for actor in [each for each in hidden_from if each.role_at("/void") == Role.NONE]:
        reasons = []
        for path in (SHUT, "/void"):
            async with websockets.connect(
                f"ws://127.0.0.1:{web.port}/ws/v1/{team.slug}{path}", additional_headers=actor.headers
            ) as socket:
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await asyncio.wait_for(socket.recv(), 60)
                reasons.append((closed.value.rcvd.code, closed.value.rcvd.reason.replace("/void", SHUT)))
        rows.append((f"{actor.name}: socket {SHUT}", *reasons))

    assert len(rows) > 500
    assert differences(rows) == []


def test_another_teams_address_tells_nothing_that_an_absent_teams_does_not(web, team, new_team, token, actors):
    rows = []
    absent = "x" * len(team.slug)
    stranger = next(actor for actor in actors if actor.name == "the owner of another team")
    with Asking(web.port, "/api/v1") as client:
        knocks: list[dict[str, str]] = [{}, stranger.headers]
        for headers in knocks:
            for method, rest in (("GET", ""), ("GET", "/openapi.json"), ("GET", OPEN), ("POST", f"{OPEN}:state.list")):
                there = client.ask(method, f"/{team.slug}{rest}", headers)
                nowhere = client.ask(method, f"/{absent}{rest}", headers)
                rows.append((f"{method} {rest}", there.same(), nowhere.same(absent, team.slug)))

    assert differences(rows) == []
