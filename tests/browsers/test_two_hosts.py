"""With several hosts, a command goes to the one where its object's browser is awake; where that is gone, to another."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from config.up.environment import ROOT
from objects.work import queue
from teams.models import AwakeBrowser
from tests.browsers.hosting import Hosting
from tests.browsers.test_profile import wait_for

AWAKE = """INSERT INTO public.teams_awakebrowser (schema, object_id, holder, seen_at)
VALUES (%s, %s, 7, now() - make_interval(secs => %s))"""


class LoneHost:
    """A host in a process of its own. holder: the number that it is known by."""

    def __init__(self, hosting: Hosting) -> None:
        at = connection.get_connection_params()
        address = f"postgres://{at['user']}:{at['password']}@{at['host']}:{at['port']}/{at['dbname']}"
        command = [sys.executable, "-m", "tests.browsers.lone_host", hosting.site.proxy(None)["server"]]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"DATABASE_URL": address}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def ready(self) -> "LoneHost":
        self.holder = int(self.process.stdout.readline())
        return self

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture
def hosts(hosting: Hosting) -> Iterator[list[LoneHost]]:
    """Two hosts, in place of that of the other tests."""
    hosting.rest()
    made = [LoneHost(hosting), LoneHost(hosting)]
    yield [each.ready() for each in made]
    for each in made:
        each.stop()
    hosting.work()


def test_a_browser_stays_on_its_host_and_goes_to_another_where_that_is_gone(grove, ask, site, hosts: list[LoneHost]):
    paths = [grove.new("browser") for _ in range(3)]
    for path in paths:
        ask(path, "open", url=f"{site.url}/plants")
    awake = AwakeBrowser.objects.filter(schema=grove.schema)
    wait_for(lambda: awake.count() == len(paths))  # until then any host takes the next command
    for number, path in enumerate(paths):
        ask(path, "eval", script=f"void (window.kept = {number})")

    # What a page has only in memory is there as long as it is not opened again, elsewhere.
    for _ in range(6):
        assert [ask(path, "eval", script="window.kept") for path in paths] == [0, 1, 2]

    gone = next(each for each in hosts if each.holder == awake.get(object_id=grove.id(paths[0])).holder)
    os.killpg(gone.process.pid, signal.SIGKILL)
    gone.process.wait()
    assert ask(paths[0], "text", target="h1") == "Plants"
    other = next(each for each in hosts if each is not gone)
    wait_for(lambda: awake.get(object_id=grove.id(paths[0])).holder == other.holder)


def test_a_task_waits_a_moment_for_the_host_that_has_its_browser_awake_and_no_longer(grove, hosting: Hosting):
    hosting.rest()
    path = grove.new("browser")
    task = grove.call(path, "browser.tabs")["task"]

    def taken(holder: int, *, awake_s: float, waits_s: float = 0.0) -> bool:
        with grove.engine_connection() as asked:
            asked.execute("DELETE FROM public.teams_awakebrowser WHERE schema = %s", (grove.schema,))
            asked.execute(AWAKE, (grove.schema, grove.id(path), awake_s))
            asked.execute(
                "UPDATE public.teams_waitingtask SET due_at = now() - make_interval(secs => %s), lease = NULL,"
                " leased_until = NULL WHERE id = %s",
                (waits_s, task),
            )
            assert (queue.wanted(asked, "browser", holder) == [7]) is (holder != 7 and awake_s < 40 and waits_s < 2)
            return queue.take(asked, 30, lambda schema: schema == grove.schema, "browser", holder) is not None

    assert taken(7, awake_s=0) is True
    assert taken(8, awake_s=0) is False
    assert taken(8, awake_s=0, waits_s=5) is True  # it was not taken there: whoever comes may have it
    assert taken(8, awake_s=60) is True  # nobody has said lately that it is awake
    with grove.engine_connection() as asked:
        asked.execute("DELETE FROM public.teams_awakebrowser WHERE schema = %s", (grove.schema,))
        asked.execute("DELETE FROM public.teams_waitingtask WHERE schema = %s", (grove.schema,))
    hosting.work()
