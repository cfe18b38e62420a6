"""The registry knows every command from its method, and refuses one that it could not serve."""

import timeit
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import pytest

from objects.commands.declaring import WrongCommand
from objects.commands.methods import Example
from objects.commands.registry import Registry, registry
from objects.sdk import AtLeast, Content, Download, Facility, Help, Kind, NoSuch, RestOfLine, Role, Secret, command
from tests.commands.bench import Bench, Machine, Sql, State, commands
from tests.commands.bench import registry as benches

M = "tests.commands.test_registry"


def test_a_command_is_known_from_its_method():
    take = commands["take"]

    assert (take.name, take.words, take.facility, take.owner) == ("take", "take", None, Machine)
    assert take.summary == "Take tokens, or learn when there will be enough."
    assert take.description == "A refusal changes nothing and is an answer, not an error."
    assert take.examples == (
        Example("take 15", "allowed yes  left 5  retry_after 0s"),
        Example("take 8", "allowed no  left 5  retry_after 0.3s"),
    )
    assert take.usage() == "take [tokens=1]"
    assert take.parameters[0].described() == "a whole number, at least 1, at most 20"


@pytest.mark.parametrize(
    ("name", "verb", "needs", "alone", "streams"),
    [
        ("take", "changes", Role.EDITOR, False, False),
        ("left", "reads", Role.VIEWER, False, False),
        ("wipe", "dangerous", Role.EDITOR, False, False),
        ("tell", "changes", Role.ADMIN, True, False),
        ("watch", "reads", Role.VIEWER, False, True),
    ],
)
def test_a_command_says_what_it_is(name, verb, needs, alone, streams):
    spec = commands[name]

    assert (spec.verb, spec.needs, spec.alone, spec.streams) == (verb, needs, alone, streams)
    assert benches.reads("machine", name) == (verb == "reads")
    assert benches.is_alone(name) == alone


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("tell", "tell first [others…] [--loudly]"),
        ("from", "from [class=x]"),
        ("wipe", "wipe name"),
        ("sql", "sql query [--limit LIMIT]"),
        ("sql.tables", "sql tables"),
    ],
)
def test_usage_is_the_line_to_type(line, usage):
    assert commands[line].usage() == usage


def test_an_object_has_its_kinds_commands_first_and_then_the_facilities():
    assert list(commands) == ["take", "left", "wipe", "tell", "from", "everything", "watch", "sql", "sql.tables"]


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("tell", {"first": "a", "others": ["b", "c"], "loudly": True}, ["A", "B", "C"]),
        ("tell", {"first": "a"}, ["a"]),
        ("from", {"class": "y"}, "y"),
        ("from", {}, "x"),
    ],
)
def test_checked_arguments_reach_the_method(name, arguments, result):
    spec = commands[name]

    assert spec.run(Machine(Bench()), spec.check(arguments)) == result


def test_a_result_becomes_plain_json():
    take = commands["take"]

    verdict = take.run(Machine(Bench()), {"tokens": 15})

    assert take.plain(verdict) == {"allowed": True, "left": 5.0, "retry_after": 0}


def test_a_dangerous_command_spells_out_its_effect():
    machine = Machine(Bench())
    machine.state.names = ["ann", "bob"]

    assert commands["wipe"].effect(machine, {"name": "ann"}) == "Forgets ann, one of 2 names."


def test_a_streaming_command_tells_its_topic():
    assert commands["watch"].topic_of({"key": "a"}) == "key.a"
    assert commands["watch"].topic_of({}) == "key."
    assert commands["take"].topic_of({}) == ""


@pytest.mark.parametrize(
    ("kind", "name", "detail"),
    [
        ("machine", "tke", "no command 'tke' on objects of kind machine. Did you mean 'take'? `help` lists them."),
        ("machine", "", "no command '' on objects of kind machine. `help` lists them."),
        ("machin", "take", "no kind 'machin'. Did you mean 'machine'? Kinds: machine."),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(kind, name, detail):
    with pytest.raises(NoSuch) as refusal:
        benches.command(kind, name)

    assert refusal.value.detail == detail


def test_a_method_that_overrides_a_command_is_one_only_if_marked_again():
    class Quiet(Machine):
        """Takes nothing."""

        def take(self, tokens: int = 1) -> int:  # type: ignore[override]
            return 0

    made = Registry.of(Quiet).commands("quiet")

    assert "take" not in made
    assert "left" in made


def test_names_of_classes_become_names_for_people():
    class HTTPRateLimiter(Kind[None]):
        """Limits."""

    assert HTTPRateLimiter.name == "http_rate_limiter"


def test_finding_a_command_costs_two_look_ups():
    # Measured 0.06 µs; the bound leaves room for a busy machine.
    best = min(timeit.repeat(lambda: benches.command("machine", "take"), number=2_000, repeat=5)) / 2_000

    assert best < 5e-6


# ---- What is refused when a kind is loaded ----


def kind_with(method: Any, doc: str = "Does things.", **members: Any) -> type[Kind[Any]]:
    return type("Wrong", (Kind,), {"__doc__": doc, "__module__": M, "method": method, **members})


@dataclass
class Tree:
    """Holds itself."""

    inner: "list[Tree]"


def no_docstring(self) -> None: ...
def no_result(self):
    """Do."""


def no_type(self, a) -> None:
    """Do."""


def keywords(self, **more: int) -> None:
    """Do."""


def by_place(self, a: int, /) -> None:
    """Do."""


def a_moment(self, at: datetime) -> None:
    """Do."""


def some_bytes(self, data: bytes) -> None:
    """Do."""


def gives_a_class(self) -> Kind:
    """Do."""
    raise AssertionError


def gives_anything(self) -> Any:
    """Do."""


def gives_a_secret(self) -> list[Secret]:
    """Do."""
    raise AssertionError


def gives_content(self) -> Content:
    """Do."""
    raise AssertionError


def takes_a_download(self, file: Download) -> None:
    """Do."""


def takes_a_tree(self, tree: Tree) -> None:
    """Do."""


def rest_first(self, query: RestOfLine, more: int) -> None:
    """Do."""


def of_two_minds(self) -> None:
    """Do."""


def unknown_name(self, a: "Nowhere") -> None:  # type: ignore[name-defined] # noqa: F821
    """Do."""


def wrong_example(self) -> None:
    """Do.

    > mehtod 1
    """


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (no_docstring, "a command has a docstring: a line that says what it does, and examples."),
        (no_result, "has no type for its result. Write `-> None` where it gives nothing."),
        (no_type, "a: has no type."),
        (keywords, "more: every argument has a name that callers can use."),
        (by_place, "a: every argument has a name that callers can use."),
        (a_moment, "at: datetime cannot be written as JSON and as text: use Moment"),
        (some_bytes, ("data: bytes cannot be written as JSON and as text: "
                      "use Content for an argument, Download for a result")),
        (gives_a_class, ("Kind cannot be written as JSON and as text: "
                         "use a type of objects.sdk, a dataclass, or list, dict and scalars of them")),
        (gives_anything, "Any cannot be written as JSON and as text: use Json"),
        (gives_a_secret, "a result cannot hold Secret or Content. Give what may be shown, or a Download."),
        (gives_content, "a result cannot hold Secret or Content. Give what may be shown, or a Download."),
        (takes_a_download, "file: a Download is a result. Take Content."),
        (takes_a_tree, "tree: Tree holds itself: give the inner ones as Json"),
        (rest_first, "only the last positional argument can take the rest of the line."),
        (unknown_name, "its annotations cannot be read: name 'Nowhere' is not defined"),
        (wrong_example, "the example 'mehtod 1' is of no command."),
    ],
)  # fmt: skip
def test_a_method_that_no_surface_could_serve_is_refused(method, message):
    with pytest.raises(WrongCommand) as refusal:
        Registry.of(kind_with(command(method)))

    assert str(refusal.value) == f"{M}.Wrong.{method.__name__}: {message}"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (kind_with(None, doc=""), "a kind has a docstring: its purpose in one line."),
        (kind_with(None, name="No Good"),
         "'No Good' is not a name for a kind: small letters, digits and _, beginning with a letter."),
        (kind_with(command(reads=True, dangerous=True)(of_two_minds)),
         "of_two_minds: a command that only reads is not dangerous. Choose one."),
    ],
)  # fmt: skip
def test_a_kind_that_cannot_be_named_or_told_of_is_refused(kind, message):
    with pytest.raises(WrongCommand) as refusal:
        Registry.of(kind)

    assert str(refusal.value).removeprefix(f"{M}.Wrong").lstrip(":. ") == message


def test_two_kinds_of_one_name_are_refused():
    class Twin(Kind[None]):
        """Is the second."""

        name = "machine"

    with pytest.raises(WrongCommand) as refusal:
        Registry.of(Machine, Twin)

    assert str(refusal.value).endswith("the kind 'machine' is already tests.commands.bench.Machine.")


def test_a_kind_cannot_hide_a_facilitys_command():
    class Sly(Kind[None]):
        """Answers instead."""

        @command(name="sql")
        def answer(self) -> None:
            """Answer."""

    with pytest.raises(WrongCommand) as refusal:
        Registry.of(Sly, Sql).commands("sly")

    assert str(refusal.value).endswith(": 'sql' is a command of every object: tests.commands.bench.Sql.sql.")


def test_a_state_without_defaults_is_refused():
    @dataclass
    class Bare:
        count: int

    with pytest.raises(TypeError, match="every field of a state has a default"):
        type("Wrong", (Kind,), {"__doc__": "x.", "__orig_bases__": (Kind[Bare],)})


def test_every_kind_and_facility_of_grove_loads():
    assert "object" in registry.kinds
    assert {"help", "state", "sql", "files"} <= set(registry.facilities)
    for kind in registry.kinds:
        assert "help" in registry.commands(kind)


def test_what_a_signature_says_is_in_annotations_only():
    class Small(Facility):
        """Says little."""

        @command
        def say(self, n: Annotated[int, AtLeast(1), Help("how often")] | None = None) -> State:
            """Say."""
            return State()

    say = Registry.of(Machine, Small).command("machine", "small.say")

    assert (say.parameters[0].help, say.parameters[0].bounds.least) == ("how often", 1)
    assert say.plain(State()) == {"rate": 10.0, "burst": 20, "names": [], "seen_at": None}
