"""A task over HTTP, a socket, in a terminal and on a page."""

import asyncio
import json
import re
import time

import httpx
import pytest

from tests.pages.conftest import owner, signed_in
from tests.surfaces.conftest import Site, Web, start
from tests.terminal.sitting import Person
from tests.work.conftest import Workers

__all__ = ["owner", "signed_in"]  # fixtures


@pytest.fixture(scope="module")
def web(errands, tmp_path_factory):
    """A web process that knows errands."""
    process, running = start(tmp_path_factory.mktemp("web") / "log")
    yield running
    process.terminate()
    process.wait(60)
    assert running.mistakes() == []


@pytest.fixture
def api(web: Web, team, token) -> Site:
    _, secret = token(team, verbs=["task"])
    return Site(web, team.slug, secret)


@pytest.fixture
async def sitting(grove, team):
    made = Person(grove.caller, team.slug, grove.home)
    yield made
    await made.shell.close()


def until_it_runs(grove, path: str) -> None:
    while not (tasks := grove.call(path, "task.list")) or tasks[0]["state"] != "running":
        time.sleep(0.02)


# ---- HTTP ----


def test_http_answers_with_the_address_of_the_task(api, errand, worker, grove, ended):
    answer = api.post(f"{errand}:add", json={"one": 2, "two": 3})

    task = answer.json()["value"]["task"]
    assert (answer.status_code, answer.json()["value"]["state"]) == (202, "waiting")
    assert answer.headers["location"] == f"/api/v1/{api.team}{errand}:task.show?task={task}"
    assert ended(errand, task)["value"] == 5


def test_http_waits_for_the_result_where_it_is_asked_to(api, errand, worker):
    answer = api.post(f"{errand}:add?wait=20", json={"one": 2, "two": 3})

    assert (answer.status_code, answer.json()["value"]) == (200, 5)


def test_http_answers_with_what_a_task_failed_with(api, errand, worker):
    answer = api.post(f"{errand}:refuse?wait=20", json={})

    assert (answer.status_code, answer.json()["detail"]) == (409, "Not like this.")


def test_http_waits_no_longer_than_it_is_asked_to(api, errand, grove):
    began = time.monotonic()

    answer = api.post(f"{errand}:add?wait=0.3", json={"one": 2, "two": 3})

    assert (answer.status_code, time.monotonic() - began >= 0.3) == (202, True)
    grove.call(errand, "task.cancel")


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan", "1&wait=2"])
def test_a_wait_that_is_none_is_refused(api, errand, wait):
    answer = api.post(f"{errand}:add?wait={wait}", json={"one": 2, "two": 3})

    assert (answer.status_code, answer.json()["field"]) == (422, "wait")


def test_a_token_that_may_not_start_tasks_starts_none(web, team, token, errand):
    _, secret = token(team, verbs=["reads", "changes"])

    answer = Site(web, team.slug, secret).post(f"{errand}:add", json={"one": 2, "two": 3})

    assert answer.status_code == 403


def test_openapi_tells_of_202_and_wait(api):
    document = httpx.get(api.url("/openapi.json"), headers=api.bearer, timeout=30).json()

    post = document["paths"][f"/api/v1/{api.team}/{{path}}:http.get"]["post"]
    assert ("202" in post["responses"], "wait" in [each["name"] for each in post["parameters"]]) == (True, True)


# ---- Socket ----


async def test_a_socket_gets_events_until_the_end(api, errand, worker):
    async with api.socket(errand) as socket:
        await socket.send(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "speak", "params": {"words": ["a", "b", "c"]}})
        )
        answer = json.loads(await socket.recv())
        task = answer["result"]["value"]["task"]
        told: list = []
        while not told or told[-1]["state"] not in ("done", "failed"):
            event = json.loads(await asyncio.wait_for(socket.recv(), 20))["params"]
            if event["topic"] == "task" and event["data"]["task"] == task:
                told.append(event["data"])

    assert told[-1]["state"] == "done"
    assert "".join(each.get("output", "") for each in told).endswith("c\n")
    assert [each["done"] for each in told if "done" in each][-1] == 1


# ---- Terminal ----


async def test_a_terminal_shows_the_output_and_then_the_result(sitting, errand, worker):
    shown = await sitting.types(f"cd {errand}", "speak one two")

    assert shown == "one\ntwo\n2\n"


async def test_a_result_goes_through_a_pipe(sitting, errand, worker):
    assert await sitting.types(f"cd {errand}", "x=$(add 2 3); echo got $x") == "got 5\n"


async def test_a_terminal_shows_a_bar_and_takes_it_away(grove, team, errand, worker):
    person = Person(grove.caller, team.slug, errand, colours=256)

    shown = await person.types("speak one two three four")

    assert ("█" in shown, "░" in shown) == (True, True)
    assert re.fullmatch(r"(░* +[0-9]+%  \w+)\r\x1b\[K4\n", shown.rpartition("█")[2])
    await person.shell.close()


async def test_a_terminal_shows_the_place_in_the_queue_until_it_is_its_turn(grove, team, errand):
    for _ in range(2):
        grove.call(errand, "add", one=1, two=2)
    person = Person(grove.caller, team.slug, errand, colours=256)
    line = asyncio.create_task(person.shell.run("add 2 3"))
    async with asyncio.timeout(30):
        while "3rd in the queue" not in person.screen.shown:  # noqa: ASYNC110 -- the screen tells nobody
            await asyncio.sleep(0.02)

    workers = Workers(2)
    await line
    await asyncio.to_thread(workers.stop)

    assert person.screen.shown.endswith("\r\x1b[K5\n")
    await person.shell.close()


async def test_a_refusal_is_shown_like_any_other(sitting, errand, worker):
    shown = await sitting.types(f"cd {errand}", "refuse")

    assert ("Not like this." in shown, sitting.status) == (True, 1)


async def test_ctrl_c_stops_the_task(grove, sitting, errand, worker, ended):
    await sitting.types(f"cd {errand}")
    line = asyncio.create_task(sitting.shell.run("linger 60"))
    await asyncio.to_thread(until_it_runs, grove, errand)

    line.cancel()
    with pytest.raises(asyncio.CancelledError):
        await line

    assert (await asyncio.to_thread(ended, errand))["state"] == "cancelled"


async def test_a_task_in_the_background_leaves_the_prompt(sitting, errand, worker):
    await sitting.types(f"cd {errand}", "add 2 3 &")

    assert "5" in await sitting.types("wait", "task show | get value")


# ---- Page ----


def test_a_page_shows_the_result_of_a_short_task(owner, team, errand, worker):
    page = owner.post(f"/t/{team.slug}/o{errand}:add", {"one": "2", "two": "3"})

    assert (page.status_code, "Done" in page.text, ">5<" in re.sub(r"\s", "", page.text)) == (200, True, True)


def test_a_page_tells_that_a_long_one_goes_on(owner, team, errand, grove, settings, monkeypatch):
    monkeypatch.setattr("objects.surfaces.pages.command_page.TASK_WAIT_S", 0.1)

    page = owner.post(f"/t/{team.slug}/o{errand}:linger", {"seconds": "1"})

    assert (page.status_code, "Started" in page.text, "task show" in page.text) == (200, True, True)
    grove.call(errand, "task.cancel")


def test_a_page_shows_what_a_task_failed_with(owner, team, errand, worker):
    page = owner.post(f"/t/{team.slug}/o{errand}:refuse", {})

    assert (page.status_code, "Not like this." in page.text) == (409, True)
