"""What a surface has to know of a command before it can hand the call over: most calls need nothing of it."""

from dataclasses import replace
from functools import cache

from objects.commands.registry import registry
from objects.commands.spec import CommandSpec
from objects.engine.running import engine
from teams.access import VERBS, Caller
from teams.problems import NoSuch


async def spec_of(caller: Caller, path: str, command: str, *, create: str | None = None) -> CommandSpec:
    """Find the command that an object has under a name: from memory where the object was used lately.

    create: the kind that the object will be of where there is none. Raises NoSuch, also for what is hidden.
    """
    if not caller.sees(path):
        raise NoSuch(f"{path}: no such object.")
    return registry.command(await kind_of(caller, path, create=create), command)


async def kind_of(caller: Caller, path: str, *, create: str | None = None) -> str:
    """Tell the kind of an object. Raises the problem of its description, such as NoSuch and Moved."""
    known = kept_kind(caller.schema, path)
    if known is not None:
        return known
    if caller.scope is not None:  # a token of one command may know of what kind the object is that it calls
        caller = replace(caller, scope=replace(caller.scope, verbs=frozenset(VERBS)))
    outcome = await engine().acall(caller.schema, path, "tree.describe", {}, caller)
    if outcome.problem is None:
        return str(outcome.value["kind"])
    if create is not None and isinstance(outcome.problem, NoSuch):
        return create
    raise outcome.problem


def kept_kind(schema: str, path: str) -> str | None:
    """Tell the kind of an object that this process used lately."""
    hint = engine().known.get((schema, path))
    return None if hint is None else hint.kind


@cache
def upload_limits() -> dict[str, str]:
    """Name the limits of files that commands take, by the commands' names, of whatever kind; BODY_BYTES left out."""
    specs = (each for kind in registry.kinds for each in registry.commands(kind).items())
    return {name: spec.upload_limit for name, spec in specs if spec.upload_limit != "BODY_BYTES"}


@cache
def streaming() -> frozenset[str]:
    """Names of commands, of whatever kind, whose answer events follow."""
    return frozenset(name for kind in registry.kinds for name, spec in registry.commands(kind).items() if spec.streams)
