"""How long pages take with 100,000 objects: `python -m tests.bench.bench_pages`, with DATABASE_URL and VALKEY_URL.

Starts a web process, fills a team, asks for each page and fragment again and again over one connection, and prints the
median and the 99th percentile of what the server took, its processor time, and how many statements Django sends.
Then opens pages in Chromium and prints requests, bytes and when the page can be used. Ends with 1 where a fragment's
median is above 50 ms or a first page is usable later than 1 s.
"""

import gzip
import http.client
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 -- needs django.setup()
from django.core.management import call_command  # noqa: E402
from django.db import connection as django_connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from config.up.assets import build_assets  # noqa: E402
from objects import summaries  # noqa: E402
from objects.tree.nodes import sql  # noqa: E402
from teams import actions  # noqa: E402
from teams.models import Person, Team  # noqa: E402
from tests.bench.bench_tree import fill  # noqa: E402
from tests.surfaces.conftest import start  # noqa: E402

SLUG = "bench-pages"
EMAIL = "bench-pages@example.com"
ROUNDS = 40
MOST_MS = 50.0
MOST_USABLE_MS = 1_000.0
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"

# Half of the objects were called, one in fifty of the calls failed, one in ten objects has a state.
HAPPENED = (
    """
insert into {s}.journal (object_id, at, caller, via, command, arguments, outcome, detail, took_us, version)
select id, now() - n * interval '20 milliseconds', 'ann@example.com', 'http', 'state.set',
    '{{"key": "mode", "value": 1}}', case when mod(n, 50) = 0 then 'conflict' else 'ok' end,
    case when mod(n, 50) = 0 then 'The key is there already.' else '' end, 90, 1
from (select id, row_number() over (order by md5(id::text)) as n from {s}.object where path <> '/') o where n <= 50000
""",
    "update {s}.object set pages = 2 + mod(id, 40), version = 1 where mod(id, 2) = 0",
)
STATES = """
update {s}.summary set version = 0,
    state = case when mod(object_id, 10) = 0 then 'mode=auto' || chr(10) || 'level=' || object_id else '' end
"""


def main() -> int:
    """Fill a team, measure, drop it."""
    call_command("migrate", verbosity=0)
    build_assets(Path(settings.BASE_DIR))
    clear()
    owner = Person.objects.create_user(EMAIL, None, name="Bench")
    team = actions.create_team(name="Bench", slug=SLUG, owner=owner)
    try:
        prepare(team)
        with tempfile.TemporaryDirectory() as folder:
            process, web = start(Path(folder) / "web.log", VALKEY_URL=settings.VALKEY_URL)
            try:
                session = Client(headers={"host": "127.0.0.1"})
                session.force_login(owner, backend=BACKEND)
                cookie = f"{settings.SESSION_COOKIE_NAME}={session.cookies[settings.SESSION_COOKIE_NAME].value}"
                slow = serve(web.port, web.pid, cookie, session)
                late = open_in_a_browser(web.url, session)
            finally:
                process.terminate()
                process.wait()
    finally:
        clear()
    return 1 if slow or late else 0


def prepare(team: Team) -> None:
    """Make 100,000 objects with what happened to them."""
    parameters = django_connection.get_connection_params()
    named = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters}
    started = time.perf_counter()
    with psycopg.connect(autocommit=True, **named) as connection:
        schema = team.schema_name
        fill(connection, schema)
        for statement in HAPPENED:
            connection.execute(sql(schema, statement))
        while summaries.catch_up(connection, schema, states=0):
            pass
        connection.execute(sql(schema, STATES))
        for table in ("object", "summary", "journal"):
            connection.execute(sql(schema, "vacuum (analyze) {s}." + table))
        count = connection.execute(sql(schema, "select count(*) from {s}.object")).fetchone()
    print(f"filled {count[0]:,} objects in {time.perf_counter() - started:.1f} s\n")


def asked() -> Iterator[tuple[str, str, bool, bool]]:
    """Give each page: its name, its address, whether htmx asks, and whether its median counts."""
    team = f"/t/{SLUG}/"
    yield "front page", team, False, False
    yield "front page: recent calls", f"{team}?part=recent", True, True
    yield "front page: pace", f"{team}?part=pace", True, True
    yield "front page: how many objects", f"{team}amount/", True, True
    yield "objects", f"{team}objects/", False, False
    yield "objects: a folder", f"{team}objects/?at=/project-3", True, True
    yield "objects: all by size", f"{team}objects/?deep=yes&sort=size", True, True
    yield "objects: all by last call", f"{team}objects/?deep=yes&sort=called", True, True
    yield "objects: all by errors", f"{team}objects/?deep=yes&sort=errors", True, True
    yield "search: part of a name", f"{team}objects/?find=abc", True, True
    yield "search: two letters", f"{team}objects/?find=ab", True, True
    yield "search: kind and tag", f"{team}objects/?find=kind:queue+tag:hot", True, True
    yield "search: a state", f"{team}objects/?find=state:level%3D5432", True, True
    yield "search: a frequent state, by size", f"{team}objects/?find=state:mode%3Dauto&sort=size", True, True
    yield "search: an error", f"{team}objects/?find=error:conflict", True, True
    yield "tree: a filter", f"{team}objects/?part=outline&find=sensor", True, True
    yield "tree: a folder opens", f"{team}branch/?at=/project-5&depth=1", True, True
    yield "palette", f"{team}palette/?find=sens&at=/project-1", True, True
    yield "object", f"{team}o/project-3/folder-7", False, False
    yield "object: its state", f"{team}o/project-3/folder-7?part=state", True, True
    yield "command", f"{team}o/project-3/folder-7:state.set", True, True
    yield "gallery", f"{team}gallery/", False, False
    yield "trash", f"{team}trash/", False, False


def serve(port: int, pid: int, cookie: str, session: Client) -> list[str]:
    """Measure what the server takes; gives what is too slow."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    slow = []
    print(f"{'milliseconds':36} {'p50':>8} {'p99':>8} {'cpu':>8} {'queries':>8} {'kB':>6} {'gzip':>6}")
    for name, address, is_fragment, counts in asked():
        headers = {"Cookie": cookie} | ({"HX-Request": "true"} if is_fragment else {})
        took = []
        worked = 0.0
        for number in range(ROUNDS + 5):
            if number == 5:
                worked = cpu_s(pid)
            started = time.perf_counter()
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{address}: {answer.status}")
            if number >= 5:  # the first find nothing in memory
                took.append((time.perf_counter() - started) * 1000)
        worked = (cpu_s(pid) - worked) / ROUNDS * 1000
        took.sort()
        median, p99 = statistics.median(took), took[int(len(took) * 0.99)]
        with CaptureQueriesContext(django_connection) as queries:
            session.get(address, headers={"HX-Request": "true"} if is_fragment else {})
        bytes_gzip = len(gzip.compress(body)) / 1000
        size = f"{len(body) / 1000:6.1f} {bytes_gzip:6.1f}"
        print(f"{name:36} {median:8.1f} {p99:8.1f} {worked:8.1f} {len(queries):8} {size}")
        if counts and median > MOST_MS:
            slow.append(name)
    print("slow:", ", ".join(slow) or "none", "\n")
    return slow


def cpu_s(pid: int) -> float:
    """Give the processor time that a process took so far: it tells more than the clock while others work here, too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


USABLE = """
() => new Promise((done) => {
    const tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });
    setTimeout(() => {
        const entry = performance.getEntriesByType("navigation")[0];
        const ends = tasks.map((task) => task.startTime + task.duration);
        const resources = performance.getEntriesByType("resource").filter((each) => !/terminal/.test(each.name));
        const bytes = [entry, ...resources].reduce((sum, each) => sum + each.transferSize, 0);
        done({ usable: Math.max(entry.domContentLoadedEventEnd, ...ends), requests: resources.length + 1, bytes });
    }, 1200);
})
"""  # a page is usable once its scripts ran and no task of more than 50 ms follows


def open_in_a_browser(url: str, session: Client) -> list[str]:
    """Open pages as for the first time; gives those that can be used too late."""
    late = []
    cookie: Any = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        found = os.environ.get("BROWSER_EXECUTABLE") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        print(f"{'in Chromium, nothing cached':36} {'usable':>8} {'requests':>9} {'kB':>6}   (without the terminal)")
        for name, address in (
            ("front page", f"/t/{SLUG}/"),
            ("objects", f"/t/{SLUG}/objects/"),
            ("object", f"/t/{SLUG}/o/project-3/folder-7"),
        ):
            taken = []
            for _ in range(5):
                context = browser.new_context(base_url=url)
                context.add_cookies([cookie])
                page = context.new_page()
                page.goto(address)
                taken.append(page.evaluate(USABLE))
                context.close()
            usable = statistics.median(each["usable"] for each in taken)
            print(f"{name:36} {usable:8.0f} {taken[0]['requests']:9} {taken[0]['bytes'] / 1000:6.1f}")
            if usable > MOST_USABLE_MS:
                late.append(name)
        browser.close()
    return late


def clear() -> None:
    """Take away what a run made."""
    team = Team.objects.filter(slug=SLUG).first()
    if team is not None:
        with django_connection.cursor() as cursor:
            cursor.execute(f'drop schema if exists "{team.schema_name}" cascade')
        team.delete()
    Person.objects.filter(email=EMAIL).delete()


if __name__ == "__main__":
    sys.exit(main())
