"""Forms are made from commands' signatures, and what was typed reaches the command as it was meant."""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from objects.commands.registry import Registry, registry
from objects.commands.spec import CommandSpec
from objects.sdk import (
    AtLeast,
    Between,
    Content,
    Help,
    Json,
    Kind,
    Moment,
    ObjectPath,
    RelativePath,
    RestOfLine,
    Seconds,
    Secret,
    Size,
    command,
)
from objects.surfaces.pages.elsewhere import curl, python, terminal_line
from objects.surfaces.pages.forms import arguments_of, form
from teams.problems import WrongArgument


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Painter(Kind[None]):
    """Takes one of everything."""

    @command
    def paint(
        self,
        pieces: Annotated[int, Between(1, 9), Help("how many")],
        note: RestOfLine,
        *,
        share: float = 0.5,
        price: Decimal | None = None,
        wet: bool = False,
        glossy: bool = True,
        colour: Colour = Colour.RED,
        size: Literal["small", "large"] | None = None,
        weekday: Literal["mon", "tue", "wed", "thu", "fri"] | None = None,
        dry: bool | None = None,
        beside: ObjectPath | None = None,
        to: RelativePath = "",
        at: Moment | None = None,
        wait: Annotated[Seconds, AtLeast(30)] = 60.0,
        room: Size = 0,
        options: Json = None,
        password: Secret = "",
        picture: Content | None = None,
        amount: int | float = 1,  # noqa: PYI041 -- a type of its own to the registry
    ) -> None:
        """Paint."""

    @command
    def sweep(self, *rooms: str) -> int:
        """Sweep rooms."""
        return len(rooms)


@pytest.fixture(scope="module")
def specs() -> dict[str, CommandSpec]:
    return dict(Registry.of(Painter).commands("painter"))


def test_each_type_has_the_input_that_fits_it(specs):
    made = form("acme", "/wall", specs["paint"])

    assert {each.name: (each.input, each.required) for each in made.fields} == {
        "pieces": ("number", True),
        "note": ("textarea", True),
        "share": ("number", False),
        "price": ("number", False),
        "wet": ("checkbox", False),
        "glossy": ("checkbox", False),
        "colour": ("radios", False),
        "size": ("radios", False),
        "weekday": ("select", False),
        "dry": ("radios", False),
        "beside": ("path", False),
        "to": ("path", False),
        "at": ("moment", False),
        "wait": ("duration", False),
        "room": ("size", False),
        "options": ("json", False),
        "password": ("password", False),
        "picture": ("file", False),
        "amount": ("number", False),
    }
    assert form("acme", "/wall", specs["sweep"]).fields[0].input == "lines"


def test_bounds_steps_defaults_and_choices_are_those_of_the_signature(specs):
    fields = {each.name: each for each in form("acme", "/wall", specs["paint"]).fields}

    pieces = fields["pieces"]
    assert (pieces.least, pieces.most, pieces.step, pieces.help) == ("1", "9", "1", "how many")
    assert (fields["share"].step, fields["share"].default) == ("any", "0.5")
    assert (fields["wet"].checked, fields["glossy"].checked) == (False, True)
    assert [(each.value, each.chosen) for each in fields["colour"].options] == [("red", True), ("blue", False)]
    assert [(each.value, each.chosen) for each in fields["size"].options] == [
        ("", True), ("small", False), ("large", False),
    ]  # fmt: skip


def test_durations_within_bounds_are_offered_and_paths_are_asked_for(specs):
    fields = {each.name: each for each in form("acme", "/wall", specs["paint"]).fields}

    assert fields["wait"].offers == ("1m", "5m", "1h", "6h", "1d", "7d")
    assert [fields[name].offers_address for name in ("beside", "to", "note")] == [
        "/t/acme/paths/", "/t/acme/paths/", "",
    ]  # fmt: skip


def test_a_moment_that_was_refused_stands_in_its_input_as_utc(specs):
    sent = QueryDict("at=2026-05-17T11:30:00.000%2B02:00")

    fields = {each.name: each for each in form("acme", "/wall", specs["paint"], sent=sent).fields}

    assert fields["at"].value == "2026-05-17T09:30:00"


def test_what_was_typed_becomes_arguments_and_what_was_left_empty_is_left_out(specs):
    sent = QueryDict(mutable=True)
    sent.update({"pieces": "3", "note": "two\r\nlines", "share": "", "colour": "blue", "at": "2026-05-17T09:30:00"})
    sent.setlist("wet", ["no", "yes"])
    sent.setlist("glossy", ["no"])

    arguments = arguments_of(specs["paint"], sent)

    assert arguments == {
        "pieces": "3", "note": "two\nlines", "colour": "blue", "at": "2026-05-17T09:30:00Z", "wet": "yes",
        "glossy": "no",
    }  # fmt: skip
    assert specs["paint"].check(arguments, text=True)["pieces"] == 3


def test_lines_are_the_values_of_a_variadic(specs):
    arguments = arguments_of(specs["sweep"], QueryDict("rooms=hall%0D%0A%0D%0Aliving+room"))

    assert arguments == {"rooms": ["hall", "living room"]}


def test_a_file_arrives_as_it_was_chosen_or_typed(specs):
    picture = SimpleUploadedFile("a.png", b"\x89PNG\0", "image/png")
    files: MultiValueDict[str, Any] = MultiValueDict({"picture": [picture]})

    chosen = arguments_of(specs["paint"], QueryDict("pieces=1"), files)["picture"]
    typed = arguments_of(specs["paint"], QueryDict("pieces=1&picture_as_text=a%0D%0Ab"))["picture"]

    assert (chosen.read(), chosen.name, chosen.content_type) == (b"\x89PNG\0", "a.png", "image/png")
    assert typed.read() == b"a\nb"


def test_a_refused_form_keeps_what_was_typed_but_never_a_secret(specs):
    sent = QueryDict("pieces=12&note=x&password=hunter2")
    problem = WrongArgument("pieces", "12 is more than 9", {"note": "is dull"})

    fields = {each.name: each for each in form("acme", "/wall", specs["paint"], sent=sent, problem=problem).fields}

    assert [(fields[name].value, fields[name].error) for name in ("pieces", "note", "password")] == [
        ("12", "12 is more than 9"), ("x", "is dull"), ("", ""),
    ]  # fmt: skip


def test_an_argument_that_has_no_field_is_refused_and_not_dropped(specs):
    arguments = arguments_of(specs["sweep"], QueryDict("rooms=hall&broom=big"))

    with pytest.raises(WrongArgument) as refused:
        specs["sweep"].check(arguments, text=True)

    assert refused.value.field == "broom"


def test_the_same_call_is_written_for_curl_and_for_the_terminal_without_secrets(specs):
    typed = {"pieces": "3", "note": "it's", "wet": "yes", "password": "hunter2"}

    assert terminal_line(specs["paint"], typed) == "paint 3 it's --wet --password •••"
    assert curl("https://grove.example/api/v1/acme/wall:paint", specs["paint"], typed) == (
        "curl -X POST 'https://grove.example/api/v1/acme/wall:paint' \\\n"
        '  -H "Authorization: Bearer $GROVE_TOKEN" -H "Content-Type: application/json" \\\n'
        """  -d '{"pieces": 3, "note": "it'\\''s", "wet": true, "password": "•••"}'"""
    )
    assert terminal_line(specs["paint"], {}) == "paint PIECES NOTE"


def test_a_call_in_python_runs_and_sends_what_was_typed(monkeypatch, capsys):
    """The text is run, with a library that only notes what it is asked for."""
    import sys
    from types import ModuleType, SimpleNamespace

    sent: dict = {}
    library = ModuleType("requests")
    answer = SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"value": "done"}, content=b"")
    library.post = lambda address, **how: sent.update(address=address, **how) or answer
    monkeypatch.setitem(sys.modules, "requests", library)
    monkeypatch.setenv("GROVE_TOKEN", "secret")
    set_state = registry.command("object", "state.set")

    exec(python("http://grove/api/v1/t/a:state.set", set_state, {"key": "it's", "value": '{"a": [1, null]}'}))

    assert sent == {
        "address": "http://grove/api/v1/t/a:state.set",
        "json": {"key": "it's", "value": {"a": [1, None]}},
        "headers": {"Authorization": "Bearer secret"},
    }
    assert capsys.readouterr().out == "done\n"


def test_a_file_is_sent_as_the_body_by_curl_and_python():
    put = registry.command("object", "files.put")

    shell, code = (make("http://grove/a:files.put", put, {"name": "a b.txt"}) for make in (curl, python))

    assert "'http://grove/a:files.put?name=a+b.txt'" in shell
    assert "--data-binary @FILE" in shell
    assert "params={'name': 'a b.txt'}, data=open(\"FILE\", \"rb\")" in code


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        (
            {"values.a": "1", "values:text.b": "1", "values.c": "", "values:null.d": "yes"},
            {"a": 1, "b": "1", "d": None},
        ),
        ({"values:text.a": "x", "values:null.a": "yes"}, {"a": None}),
        ({"values:text.a.b c": ""}, {"a.b c": ""}),
        ({"values": '{"a": 1}'}, '{"a": 1}'),
    ],
)
def test_an_object_is_sent_in_parts_or_as_json(sent, arguments):
    add_row = registry.command("object", "sql.add_row")

    assert arguments_of(add_row, query(sent))["values"] == arguments


def test_a_list_of_records_is_sent_in_rows_and_empty_rows_are_none():
    create_table = registry.command("object", "sql.create_table")
    sent = {
        "table": "t",
        "columns.0.name": "id", "columns.0.type": "INTEGER", "columns.0.key": "yes",
        "columns.1.name": "", "columns.1.type": "TEXT",
        "columns.7.name": "note", "columns.7.type": "TEXT", "columns.7.default": "none",
    }  # fmt: skip

    arguments = create_table.check(arguments_of(create_table, query(sent)), text=True)

    assert [(each.name, each.type, each.key, each.default) for each in arguments["columns"]] == [
        ("id", "INTEGER", True, None), ("note", "TEXT", False, "none"),
    ]  # fmt: skip


def test_rows_that_were_typed_stand_in_the_form_again():
    create_table = registry.command("object", "sql.create_table")

    made = form("t", "/a", create_table, sent=query({"columns.1.name": "kept", "columns.1.key": "yes"}))

    (columns,) = [each for each in made.fields if each.input == "records"]
    assert [(row[0].value, row[2].checked) for row in columns.rows] == [
        ("", False), ("kept", True), ("", False),
    ]  # fmt: skip


def query(sent):
    made = QueryDict(mutable=True)
    made.update(sent)
    return made
