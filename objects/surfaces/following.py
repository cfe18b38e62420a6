"""How a surface follows a task that a call has started, until it is over or nobody waits any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from objects import live
from objects.commands.registry import registry
from objects.engine.running import engine
from objects.work.context import problem_of
from objects.work.records import OVER, TOPIC
from teams import clock
from teams.access import VERBS, Caller
from teams.problems import Conflict, NoSuch

LOOK_S: Final = 1.0  # between two looks at the task itself: events can be lost


@cache
def tasks() -> frozenset[str]:
    """Names of commands, of whatever kind, that are tasks."""
    return frozenset(name for kind in registry.kinds for name, spec in registry.commands(kind).items() if spec.task)


async def follow(caller: Caller, path: str, task: str, seconds: float) -> AsyncIterator[dict[str, Any]]:
    """Give what is told of a task as it comes, each with its `state`, at last the whole of it as `task.show` has it.

    Ends without that when the seconds are over. Close it when it is left early.
    """
    if caller.scope is not None:  # who may start a task may know what came of it
        caller = replace(caller, scope=replace(caller.scope, verbs=frozenset(VERBS)))
    listener = live.Listener(caller.schema, path)
    ends_at = time.monotonic() + seconds
    looks_at = 0.0
    try:
        while True:
            now = time.monotonic()
            if now >= looks_at:
                looks_at = now + LOOK_S
                whole = await _look(caller, path, task)
                if whole["state"] in OVER:
                    yield whole
                    return
                if whole["place"] and _age_s(whole) > LOOK_S:  # what begins at once need not say that it waits
                    yield {"task": task, "state": "waiting", "turn": whole["place"]}
            if now >= ends_at:
                return
            for news in await _heard(listener, min(ends_at, looks_at) - now):
                told = news.data
                if news.topic == live.RESYNC:
                    looks_at = 0.0
                elif news.topic == TOPIC and told["task"] == task:
                    if told["state"] in OVER:
                        looks_at = 0.0
                    yield told
    finally:
        listener.close()


async def _heard(listener: live.Listener, seconds: float) -> list[live.News]:
    try:
        return await listener.next(max(0.0, seconds))
    except live.TooSlow:
        await asyncio.sleep(max(0.0, seconds))  # what is told is lost, what is kept is looked at
        return []


def _age_s(whole: dict[str, Any]) -> float:
    return clock.now() - datetime.fromisoformat(whole["created_at"]).timestamp()


async def _look(caller: Caller, path: str, task: str) -> dict[str, Any]:
    outcome = await engine().acall(caller.schema, path, "task.show", {"task": task}, caller)
    if outcome.problem is not None:
        raise outcome.problem
    whole: dict[str, Any] = outcome.value
    return whole


async def result(caller: Caller, path: str, task: str, seconds: float) -> tuple[bool, Any]:
    """Wait for a task: give whether it is over, and its result then. Raises what it failed with."""
    async for told in follow(caller, path, task, seconds):
        if "created_at" in told:
            return True, result_of(told)
    return False, None


def result_of(whole: dict[str, Any]) -> Any:
    """Give the result of a task that is over, as `task.show` has it; raises what it failed with."""
    if whole["state"] == "cancelled":
        raise Conflict(f"{whole['task']}: was cancelled.")
    if whole["state"] == "failed":
        raise problem_of(whole["problem"] or {})
    if whole["state"] != "done":
        raise NoSuch(f"{whole['task']}: is not over.")
    return whole["value"]
