"""Forms are made from commands' signatures, and what was typed reaches the command as it was meant."""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from objects.commands.registry import CommandSpec, Registry
from objects.sdk import Between, Content, Help, Json, Kind, Moment, RestOfLine, Seconds, Secret, command
from objects.surfaces.pages.forms import arguments_of, curl, form, terminal_line
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
        at: Moment | None = None,
        wait: Seconds = 5.0,
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
        "colour": ("select", False),
        "size": ("select", False),
        "at": ("moment", False),
        "wait": ("text", False),
        "options": ("textarea", False),
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
