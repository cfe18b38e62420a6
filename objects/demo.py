"""The demo team's tree: a few plain objects with real state, tables and files, made by the commands that people use.

Planting twice changes nothing: an object that is there stays as it is, also where somebody changed it.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from objects.commands.types import Content
from objects.engine.running import engine
from objects.surfaces.pages import shelves
from objects.tree.paths import ObjectPath
from teams import callers
from teams.access import Caller
from teams.models import Person, Team
from teams.problems import NoSuch, Problem
from teams.schemas import inside

Step = tuple[str, dict[str, Any]]  # a command and its arguments

PINNED: Final = ("/welcome", "/shop/orders")
README: Final = """# Welcome to Grove

Everything here is an object: a small computer that never dies. Each has state, tables, files, a journal and commands.

- `/welcome` is this one. Its state is beside this file; set a value and watch the journal.
- `/shop/orders` has a table of orders. Open it and run: select city, sum(total) from orders group by city
  Its tab Steps has a delivery that waits for your yes, its Queue what somebody elsewhere is to pack.
- `/shop/prices` has prices as state, and the price list as a file.
- `/lab/counter` counts. Run `state incr count`.
- `/lab/garden` waters itself every five minutes: `cron list` tells when next, `cron history water` what came of it.
  The agenda, in the bar at the top, has what is due in all objects, and when each schedule fires in the coming day.
- `/lab/browser` has a browser that stays. Opening its first page was a task: its tab Tasks tells how that went, its tab
  Browser shows the page. Go on in its terminal: `open demo.localhost/shop`.

Press Ctrl-K on any page to find an object, a command or a page: `state incr count` runs right there. `/` filters the
tree. The gallery makes more like these with one click.

Whatever a page can do, the terminal and the API can do: each form shows how.
"""

FIRST: Final = """# Your first object

This is a small computer that never dies. Try, in its terminal:

    help
    state set greeting "Good morning"
    state incr visits
    sql create table note(text)

Whatever a page can do, the terminal and the API can do: each form shows how. Make more objects with `new object /name`.
"""

TOUR: Final = """# A tour for a browser

`demo.localhost` is a small shop that Grove serves to its browsers, without the internet. In this terminal:

    open demo.localhost/login
    fill Name ann
    fill Password orchard
    press Enter

The Browser tab shows it live: take over, and go on by hand. Who was logged in stays logged in, whatever is restarted.

The macro `look-up` searches the shop and keeps what it finds in a table; `show look-up` is all there is to it:

    play look-up --arg plant=Mint
    sql select * from found
"""
LOOK_UP: Final = """# Search the shop, and keep what it tells of a plant.
param plant = Lemon tree
open http://demo.localhost/shop
fill Search {plant}
press Enter
expect text {plant}
keep text .plant into found
"""

PRICES: Final = {"basil": 2.4, "lemon tree": 34.0, "mint": 2.2, "olive tree": 48.5, "rosemary": 3.1, "thyme": 2.8}
CITIES: Final = ("Bergen", "Lisbon", "Lyon", "Porto", "Trieste", "Utrecht")
ORDERS: Final = 320
BY_CITY: Final = (
    "create view by_city as select city, count(*) as orders, round(sum(total), 2) as total"
    " from orders group by city order by total desc"
)
TO_PICK: Final = ((318, "mint"), (319, "olive tree"), (320, "thyme"))  # messages for who packs, elsewhere
# A run that waits for somebody's yes, and goes on for a day after it.
SHIPPING: Final = [
    {"do": "state.incr", "arguments": {"key": "reserved"}, "name": "reserve a van",
     "undo": "state.incr", "undo_arguments": {"key": "reserved", "by": -1}},
    {"approval": "ship order 320"},
    {"do": "state.incr", "arguments": {"key": "shipped"}, "name": "hand it over"},
    {"sleep": "1d", "name": "wait for the receipt"},
    {"do": "state.incr", "arguments": {"key": "received"}, "name": "close the order"},
]  # fmt: skip
FIRST_ORDER: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Plant:
    """An object of the demo tree, and what is done to it once it is made."""

    path: str
    kind: str = "object"
    tags: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def plant(team: Team, owner: Person) -> list[str]:
    """Make what is missing of the demo tree, as the owner. Gives the paths that were made; takes half a second."""
    caller = callers.for_person(owner.pk, team.slug)
    made = [each.path for each in plants() if _grow(caller, each)]
    with inside(team.schema_name):
        for path in PINNED:
            if path in made:
                shelves.pin(caller, ObjectPath(path))
    return made


def welcome(team: Team, owner: Person) -> None:
    """Make the one object that somebody meets first in a new team of theirs."""
    _grow(
        callers.for_person(owner.pk, team.slug),
        Plant(
            "/welcome",
            tags=("start-here",),
            steps=(
                ("files.put", {"name": "README.md", "content": FIRST}),
                ("state.set_many", {"values": {"greeting": "Hello", "visits": 1}}),
            ),
        ),
    )


def _grow(caller: Caller, plant: Plant) -> bool:
    # Looked for first, since a refusal would show on the team's front page after every start.
    if not isinstance(_problem(caller, plant.path), NoSuch):
        return False
    _call(caller, "/", "tree.create", {"name": plant.path, "kind": plant.kind})
    if plant.tags:
        _call(caller, plant.path, "tree.tag", {"tags": list(plant.tags)})
    for name, value in plant.settings.items():
        _call(caller, plant.path, "tree.set", {"name": name, "value": value})
    for command, arguments in plant.steps:
        _call(caller, plant.path, command, arguments)
    return True


def _problem(caller: Caller, path: str) -> Problem | None:
    """What stands against calling an object: NoSuch where there is none, Moved where it went elsewhere."""
    return engine().call(caller.schema, path, "tree.describe", {}, caller, via="worker").problem


def _call(caller: Caller, path: str, command: str, arguments: dict[str, Any]) -> Any:
    outcome = engine().call(caller.schema, path, command, arguments, caller, via="worker")
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.value


def plants() -> list[Plant]:
    """Tell what the tree is made of, from the top down."""
    price_list = "plant,price\n" + "".join(f"{name},{price}\n" for name, price in PRICES.items())
    return [
        Plant(
            "/welcome",
            tags=("start-here",),
            steps=(
                ("files.put", {"name": "README.md", "content": README}),
                ("state.set_many", {"values": {"greeting": "Hello", "lamp": {"on": True, "level": 3}, "visits": 0}}),
                ("state.incr", {"key": "visits"}),
            ),
        ),
        Plant("/shop", tags=("shop",), steps=(("state.set", {"key": "currency", "value": "EUR"}),)),
        Plant(
            "/shop/orders",
            tags=("shop", "sales"),
            settings={"sql.rows": 5_000},
            steps=(
                ("sql.import", {"table": "orders", "content": Content(_orders().encode(), name="orders.csv")}),
                ("sql", {"query": "create index orders_city on orders(city)"}),
                ("sql", {"query": BY_CITY}),
                ("state.set", {"key": "last_order", "value": ORDERS}),
                *(("queue.push", {"body": {"order": number, "pick": name}}) for number, name in TO_PICK),
                ("queue.push", {"command": "state incr reminders", "delay": 86_400}),
                ("steps.begin", {"plan": SHIPPING}),
            ),
        ),
        Plant(
            "/shop/prices",
            tags=("shop",),
            steps=(
                ("state.set_many", {"values": dict(PRICES)}),
                ("files.put", {"name": "lists/2026.csv", "content": price_list}),
            ),
        ),
        Plant("/lab"),
        Plant(
            "/lab/counter",
            tags=("try-me",),
            steps=tuple(("state.incr", {"key": "count"}) for _ in range(7)),
        ),
        Plant(
            "/lab/garden",
            tags=("try-me",),
            steps=(
                ("state.set_many", {"values": {"moisture": 0.42, "mode": "auto", "valves": [True, False, False]}}),
                ("files.put", {"name": "notes/watering.txt", "content": "Lemon tree: twice a week.\n"}),
                ("files.put", {"name": "layout.json", "content": json.dumps({"beds": 3, "trees": ["lemon", "olive"]})}),
                ("cron.add", {"name": "water", "spec": "*/5 * * * *", "command": "state incr waterings"}),
                ("cron.run", {"name": "water"}),
                (
                    "cron.add",
                    {
                        "name": "rain",
                        "spec": "0 7 * * *",
                        "command": "state set mode rain",
                        "zone": "Europe/Lisbon",
                    },
                ),
            ),
        ),
        Plant(
            "/lab/browser",
            kind="browser",
            tags=("try-me",),
            steps=(
                ("files.put", {"name": "tour.md", "content": TOUR}),
                ("browser.compose", {"name": "look-up", "text": LOOK_UP}),
                ("browser.open", {"url": "demo.localhost"}),  # a task: a browser host takes it once there is one
            ),
        ),
    ]  # fmt: skip


def _orders() -> str:
    """Write some hundred orders as CSV: the same ones each time."""
    chance = random.Random(5)  # noqa: S311 -- a demo's figures
    lines = ["id,placed_at,city,plant,pieces,total"]
    at = FIRST_ORDER
    for number in range(1, ORDERS + 1):
        at += timedelta(minutes=chance.randint(20, 900))
        name = chance.choice(list(PRICES))
        pieces = chance.randint(1, 12)
        city = chance.choice(CITIES)
        lines.append(f"{number},{at:%Y-%m-%dT%H:%M:%SZ},{city},{name},{pieces},{PRICES[name] * pieces:.2f}")
    return "\n".join(lines) + "\n"
