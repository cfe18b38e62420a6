"""How pages ask the engine: as the person who looks, never in any other way."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from objects.engine.calls import Call, Outcome
from objects.engine.running import engine
from teams.access import Caller


@dataclass(frozen=True, slots=True)
class Question:
    """One command that only reads, for `answers`."""

    path: str
    command: str
    arguments: dict[str, Any] = field(default_factory=dict)


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


def run(caller: Caller, path: str, command: str, arguments: dict[str, Any], *, confirmed: bool) -> Outcome:
    """Call a command with what was typed into its form."""
    return engine().call(caller.schema, path, command, arguments, caller, via="page", text=True, confirmed=confirmed)
