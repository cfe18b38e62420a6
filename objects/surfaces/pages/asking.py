"""How pages ask the engine: as the person who looks, never in any other way."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from objects.engine.calls import Call, Outcome, seconds_for
from objects.engine.running import engine
from objects.surfaces.following import result_of
from objects.tree.paths import ObjectPath
from objects.work.records import OVER
from teams.access import Caller

LOOK_S: Final = 0.1  # between two looks at a task


@dataclass(frozen=True, slots=True)
class Question:
    """One command that only reads, for `answers`."""

    path: str
    command: str
    arguments: dict[str, Any] = field(default_factory=dict)


def tops_of(caller: Caller) -> list[str]:
    """Give where the caller's sight begins: the root, or for a guest the places that were granted."""
    if caller.sees("/"):
        return ["/"]
    seen = sorted(path for path, _ in caller.grants if caller.sees(path))
    return [path for path in seen if not any(path != top and ObjectPath(path).is_under(top) for top in seen)]


def top_of(caller: Caller) -> str:
    """Give where a page begins that names no place. For who sees nothing it is the root, which is then refused."""
    return next(iter(tops_of(caller)), "/")


def ask(caller: Caller, path: str, command: str, /, **arguments: Any) -> Any:
    """Call a command with JSON values and give its result; raises the Problem that it refuses with."""
    outcome = engine().call(caller.schema, path, command, arguments, caller, via="page")
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.value


def answers(caller: Caller, *questions: Question) -> list[Outcome]:
    """Ask several things at once: they wait together, so the engine answers them from one batch. Raises nothing."""
    waiting: list[Future[Outcome]] = []
    for question in questions:
        outcome: Future[Outcome] = Future()
        engine().submit(
            Call(
                caller.schema,
                question.path,
                question.command,
                question.arguments,
                caller,
                outcome.set_result,
                via="page",
            )
        )
        waiting.append(outcome)
    return [each.result() for each in waiting]


def wait(caller: Caller, path: str, task: str, seconds: float) -> tuple[bool, Any]:
    """Wait for a task that a call has started: give whether it is over, and its result; raises what it failed with."""
    ends_at = time.monotonic() + seconds
    while True:
        whole = ask(caller, path, "task.show", task=task)
        if whole["state"] in OVER:
            return True, result_of(whole)
        if time.monotonic() > ends_at:
            return False, None
        time.sleep(LOOK_S)


def run(caller: Caller, path: str, command: str, arguments: dict[str, Any], *, confirmed: bool) -> Outcome:
    """Call a command with what was typed into its form."""
    return engine().call(
        caller.schema, path, command, arguments, caller,
        via="page", text=True, confirmed=confirmed, seconds=seconds_for(arguments, settings.GROVE),
    )  # fmt: skip
