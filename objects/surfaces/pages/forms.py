"""A form for every command, made from its signature; and the words that a sent form holds.

A field that is left empty is left out of the call, so the command's own default applies.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from objects.commands.checks import Parameter
from objects.commands.shapes import (
    AnyJsonShape,
    BoolShape,
    ChoiceShape,
    DateShape,
    DecimalShape,
    DictShape,
    FloatShape,
    IntShape,
    ListShape,
    MaybeShape,
    RecordShape,
    Shape,
    UnionShape,
)
from objects.commands.spec import CommandSpec, default_text
from objects.commands.types import Content, Moment, Seconds, Secret, Size, Upload, is_path
from objects.surfaces.pages import elsewhere, parts
from objects.surfaces.pages.addresses import call_address, object_address
from teams.problems import NeedsConfirmation, Problem, WrongArgument

Input = Literal[
    "text", "number", "checkbox", "radios", "select", "textarea", "lines", "records", "json", "file", "moment", "date",
    "password", "path", "duration", "size",
]  # fmt: skip

BLANK_ROWS = 3  # that a list of records offers
RADIOS, RADIOS_CHARS = 4, 40  # a choice of no more words, and no longer ones, shows them all at once
DURATIONS = {"1s": 1, "10s": 10, "1m": 60, "5m": 300, "1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800}
SIZES = {"100kB": 100_000, "1MB": 1_000_000, "10MB": 10_000_000, "100MB": 100_000_000, "1GB": 1_000_000_000}

CONFIRMED = "_confirmed"  # an argument's name does not begin with "_"
RUN = "_run"
BACK = "_back"  # the address of the page that a form stands in, to go back to once it is done
SHOWN = "_as"  # "result": what came of it is shown elsewhere on the page, without the form
SHOW = "_show"  # "yes": a file that comes of it is shown on the page, not downloaded
AS_TEXT = "_as_text"  # content typed rather than chosen: `content_as_text`


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """An input with its label, as templates/objects/_field.html shows it. `value` is what was typed."""

    id: str
    name: str
    label: str
    input: Input
    help: str
    takes: str  # "a whole number, at least 1"
    required: bool
    default: str = ""
    value: str = ""
    typed_text: str = ""  # beside a file input: its content as text
    options: tuple[Option, ...] = ()
    offers: tuple[str, ...] = ()  # texts to choose from, among others
    offers_address: str = ""  # where those are asked for that fit what is typed
    checked: bool = False
    least: str = ""
    most: str = ""
    step: str = ""
    longest: int | None = None
    error: str = ""
    heads: tuple[str, ...] = ()  # of a list of records
    rows: tuple[tuple["Field", ...], ...] = ()
    is_data: bool = False  # shown in monospace
    is_extra: bool = False  # only for those who look for it: stands folded up

    @property
    def described_by(self) -> str:
        """Ids of what explains the input."""
        return f"{self.id}-help" + (f" {self.id}-error" if self.error else "")


@dataclass(frozen=True, slots=True)
class CommandForm:
    """A command of an object as a form, with what came of it when it was sent.

    problem: what it was refused with; the question, where a dangerous command asks before it does it.
    """

    spec: CommandSpec
    path: str
    address: str
    fields: tuple[Field, ...]
    curl: str
    python: str
    terminal: str
    typed: Mapping[str, Any] = field(default_factory=dict)  # what was sent, by argument
    problem: Problem | None = None
    back: str = ""
    among: str = ""  # tells this form apart from others of the same command on one page, in ids

    @property
    def id(self) -> str:
        """The id of the element that is swapped."""
        return "form-" + self.spec.name.replace(".", "-") + self.among

    @property
    def is_question(self) -> bool:
        """Whether it asks for a yes."""
        return isinstance(self.problem, NeedsConfirmation)

    @property
    def message(self) -> str:
        """What was refused as a whole; messages about fields stand beside these."""
        if self.problem is None or self.is_question:
            return ""
        if isinstance(self.problem, WrongArgument) and not self.wrong_elsewhere:
            return "" if any(each.error for each in self.fields) else self.problem.detail
        if any(each.error for each in self.fields):
            return self.wrong_elsewhere
        return self.problem.detail

    @property
    def wrong_elsewhere(self) -> str:
        """Messages about what has no field in this form."""
        shown = {each.name for each in self.fields}
        wrong = messages(self.problem)
        return " ".join(f"{name}: {text}" for name, text in wrong.items() if name not in shown)

    @property
    def plain_fields(self) -> list[Field]:
        """The fields that stand open."""
        return [each for each in self.fields if not each.is_extra]

    @property
    def extra_fields(self) -> list[Field]:
        """The fields that are folded up."""
        return [each for each in self.fields if each.is_extra]

    @property
    def is_unfolded(self) -> bool:
        """Whether something was typed, or refused, in what is folded up."""
        return any(each.name in self.typed or each.error for each in self.extra_fields)

    @property
    def is_multipart(self) -> bool:
        """Whether a file is sent along."""
        return bool(self.spec.uploads)

    @property
    def can_show(self) -> bool:
        """Whether a file that comes of it can be looked at here; then it is asked for twice, so it must only read."""
        return self.spec.downloads and self.spec.verb == "reads"

    @property
    def button(self) -> str:
        """What the button says: "Set" for state.set, "Take" for take."""
        return self.spec.name.rpartition(".")[2].replace("_", " ").capitalize()


def form(
    slug: str,
    path: str,
    spec: CommandSpec,
    *,
    origin: str = "",
    sent: QueryDict | None = None,
    problem: Problem | None = None,
    among: str = "",
) -> CommandForm:
    """Make the form of a command. sent: what was typed, to keep it. origin: of the site, for curl.

    among: tells forms of one command on one page apart.
    """
    wrong = messages(problem)
    typed = _typed(spec, sent) if sent is not None else {}
    return CommandForm(
        spec=spec,
        path=path,
        address=object_address(slug, path, spec.name),
        fields=tuple(
            replace(made, id=made.id + among)
            for each in spec.parameters
            for made in (_field(spec, each, sent, wrong.get(each.name, ""), reverse("paths", args=[slug])),)
        ),
        among=among,
        curl=elsewhere.curl(origin + call_address(slug, path, spec.name), spec, typed),
        python=elsewhere.python(origin + call_address(slug, path, spec.name), spec, typed),
        terminal=elsewhere.terminal_line(spec, typed),
        typed=typed,
        problem=problem,
        back=sent.get(BACK, "") if sent is not None else "",
    )


def messages(problem: Problem | None) -> dict[str, str]:
    """Give the messages by field."""
    if problem is None:
        return {}
    fields = problem.extra.get("fields")
    if isinstance(fields, dict):
        return fields
    return {problem.field: problem.detail} if problem.field else {}


def _inner(shape: Shape) -> Shape:
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    return shape


def _is_of(shape: Shape, known: Any) -> bool:
    """Whether it is the shape of one of `objects.commands.types`."""
    own = getattr(known, "__shape__", None)
    own = own or next(each.__shape__ for each in known.__metadata__ if hasattr(each, "__shape__"))
    return type(shape) is type(own)


def _input(parameter: Parameter) -> tuple[Input, str]:  # noqa: C901, PLR0911, PLR0912 -- one line a type
    """Choose the input for a parameter, and the step of a number."""
    shape = _inner(parameter.shape)
    if parameter.variadic:
        return "lines", ""
    if isinstance(shape, BoolShape):
        return ("checkbox" if shape is parameter.shape else "radios"), ""
    if isinstance(shape, ChoiceShape):
        is_short = len(shape.words) <= RADIOS and len("".join(shape.words)) <= RADIOS_CHARS
        return ("radios" if is_short else "select"), ""
    if isinstance(shape, IntShape):
        return "number", "1"
    numbers = isinstance(shape, UnionShape) and all(isinstance(part, IntShape | FloatShape) for part in shape.parts())
    if numbers or isinstance(shape, FloatShape | DecimalShape):
        return "number", "any"
    if isinstance(shape, DateShape):
        return "date", ""
    if _is_of(shape, Moment):
        return "moment", "1"
    if _is_of(shape, Seconds):
        return "duration", ""
    if _is_of(shape, Size):
        return "size", ""
    if is_path(shape):
        return "path", ""
    if _is_of(shape, Secret):
        return "password", ""
    if _is_of(shape, Content):
        return "file", ""
    if isinstance(shape, ListShape) and isinstance(_inner(shape.item), RecordShape):
        return "records", ""
    is_json = isinstance(shape, DictShape | RecordShape | ListShape | AnyJsonShape)
    if is_json and not isinstance(shape, UnionShape) and not parameter.rest:
        return "json", ""
    if parameter.rest or isinstance(shape, AnyJsonShape):
        return "textarea", ""
    return "text", ""


def _field(spec: CommandSpec, parameter: Parameter, sent: QueryDict | None, error: str, paths: str) -> Field:
    shape = _inner(parameter.shape)
    chosen, step = _input(parameter)
    default = "" if parameter.required or parameter.default in (None, "") else default_text(parameter)
    value = sent.get(parameter.name, "") if sent is not None and chosen not in ("password", "file", "checkbox") else ""
    options: tuple[Option, ...] = ()
    checked = False
    if chosen == "checkbox":
        given = sent.getlist(parameter.name) if sent is not None else []  # "no" comes from the hidden input before it
        checked = given[-1] == "yes" if given else parameter.default is True
    elif chosen in ("select", "radios"):
        words: Iterable[str] = shape.words if isinstance(shape, ChoiceShape) else ("yes", "no")
        options = tuple(Option(word, word, word == (value or default)) for word in words)
        if not parameter.required and default not in words:
            options = (Option("", "–" if chosen == "select" else "left out", not value), *options)
    bounds = parameter.bounds
    return Field(
        id=f"{spec.name.replace('.', '-')}-{parameter.name}",
        name=parameter.name,
        label=parameter.name.replace("_", " "),
        input=chosen,
        help=parameter.help,
        takes=_takes(parameter, chosen),
        required=parameter.required,
        default="" if chosen in ("checkbox", "password") else default,
        value=_in_utc(value) if chosen == "moment" else value,
        typed_text=sent.get(parameter.name + AS_TEXT, "") if sent is not None and chosen == "file" else "",
        options=options,
        offers=_offers(parameter, chosen),
        offers_address=paths if chosen == "path" else "",
        checked=checked,
        least="" if chosen != "number" or bounds.least is None else str(bounds.least),
        most="" if chosen != "number" or bounds.most is None else str(bounds.most),
        step=step,
        # Commands count bytes in some places and browsers count UTF-16: never stricter here than there.
        longest=bounds.longest if chosen == "text" else None,
        error=error,
        heads=_record(parameter).heads if chosen == "records" else (),
        rows=_record(parameter).rows(spec, sent, paths) if chosen == "records" else (),
        is_data=chosen in ("textarea", "lines", "json", "path", "duration", "size"),
        is_extra=parameter.flag and not parameter.required,
    )


def _offers(parameter: Parameter, chosen: Input) -> tuple[str, ...]:
    """Give common durations or sizes that are within the bounds."""
    known = {"duration": DURATIONS, "size": SIZES}.get(chosen, {})
    least, most = parameter.bounds.least, parameter.bounds.most
    return tuple(
        text for text, value in known.items() if (least is None or value >= least) and (most is None or value <= most)
    )


class _Records:
    """A list of records as rows of inputs: those that were typed, and some that are empty."""

    def __init__(self, name: str, shape: RecordShape) -> None:
        self.name = name
        self.fields = shape.fields
        self.heads = tuple(each.replace("_", " ") for each in shape.fields)

    def rows(self, spec: CommandSpec, sent: QueryDict | None, paths: str) -> tuple[tuple[Field, ...], ...]:
        typed = [int(each.split(".")[1]) for each in (sent or ()) if re.fullmatch(rf"{self.name}\.\d{{1,4}}\..+", each)]
        count = max(typed, default=-1) + 1 + (1 if typed else BLANK_ROWS)
        return tuple(tuple(self._cells(spec, sent, number, paths)) for number in range(min(count, 200)))

    def _cells(self, spec: CommandSpec, sent: QueryDict | None, number: int, paths: str) -> Iterable[Field]:
        for name, shape in self.fields.items():
            full = f"{self.name}.{number}.{name}"
            value = str(sent.get(full, "")) if sent is not None else ""
            words: tuple[str, ...] = tuple(getattr(_inner(shape), "words", ()))
            is_check = isinstance(_inner(shape), BoolShape)
            yield Field(
                id=f"{spec.name.replace('.', '-')}-{full.replace('.', '-')}",
                name=full,
                label=f"{name.replace('_', ' ')}, row {number + 1}",
                input="checkbox" if is_check else "select" if words else "path" if is_path(_inner(shape)) else "text",
                offers_address=paths if is_path(_inner(shape)) else "",
                help="",
                takes="",
                required=False,
                value=value,
                options=tuple(Option(word, word, word == value) for word in words),
                checked=value == "yes",
            )


def _record(parameter: Parameter) -> _Records:
    shape = _inner(parameter.shape)
    assert isinstance(shape, ListShape)
    item = _inner(shape.item)
    assert isinstance(item, RecordShape)
    return _Records(parameter.name, item)


def _takes(parameter: Parameter, chosen: Input) -> str:
    """Say what an input takes, as far as it is not plain to see."""
    noun = _inner(parameter.shape).noun
    parts = []
    if chosen not in ("checkbox", "radios", "select", "file", "password", "moment", "date") and (
        not parameter.help or "such as" in noun
    ):
        parts.append(noun)
    if _inner(parameter.shape).is_number():
        parts += parameter.limits()
    if parameter.unit:
        parts.append(f"in {parameter.unit}")
    if chosen == "lines":
        parts.append("one a line")
    if chosen == "moment":
        parts.append("in UTC")
    return ", ".join(parts)


# ---- What was sent ----


def arguments_of(
    spec: CommandSpec, sent: QueryDict, files: "MultiValueDict[str, UploadedFile[Any]] | None" = None
) -> dict[str, Any]:
    """Give the arguments of a sent form, as text for the registry to convert. Raises TooLarge for a file."""
    arguments: dict[str, Any] = _typed(spec, sent)
    for parameter in spec.parameters:
        if _input(parameter)[0] != "file":
            continue
        upload = files.get(parameter.name) if files else None
        text = sent.get(parameter.name + AS_TEXT, "")
        if upload is not None:
            arguments[parameter.name] = _upload(upload, getattr(settings.GROVE, spec.upload_limit))
        elif text or (parameter.required and parameter.name + AS_TEXT in sent):
            arguments[parameter.name] = Content(text.replace("\r\n", "\n").encode())
    known = {parameter.name for parameter in spec.parameters}
    for name in sent:  # a name of no argument is refused by the registry, not dropped in silence
        if (
            not name.startswith("_")
            and not name.endswith(AS_TEXT)
            and name not in known
            and parts.owner(name) not in known
            and name != "csrfmiddlewaretoken"
        ):
            arguments[name] = sent[name]
    return arguments


def _typed(spec: CommandSpec, sent: QueryDict) -> dict[str, Any]:
    """Give what was typed into the fields, files left out."""
    typed: dict[str, Any] = {}
    for parameter in spec.parameters:
        values = sent.getlist(parameter.name)
        chosen = _input(parameter)[0]
        if chosen == "file":
            continue
        if (
            isinstance(_inner(parameter.shape), DictShape | ListShape)
            and (made := parts.read(parameter, sent)) is not None
        ):
            typed[parameter.name] = made
            continue
        if not values:
            continue
        value = values[-1].replace("\r\n", "\n")
        if chosen == "lines":
            lines = [line for each in values for line in each.splitlines() if line.strip()]
            if lines:
                typed[parameter.name] = lines
        elif chosen == "checkbox":
            if value != ("yes" if parameter.default is True else "no"):
                typed[parameter.name] = value
        elif value != "":
            typed[parameter.name] = _zoned(value) if chosen == "moment" else value
    return typed


def _zoned(moment: str) -> str:
    """Read the browser's date and time, which have no zone, as the UTC that the label says."""
    day, _, clock = moment.partition("T")
    try:
        date.fromisoformat(day)
    except ValueError:
        return moment
    return moment + "Z" if clock and not clock.endswith("Z") and "+" not in clock and "-" not in clock else moment


def _in_utc(typed: str) -> str:
    """Write a moment as the browser's date and time hold it: without the zone, which is UTC."""
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if not moment.microsecond else "milliseconds")


def _upload(sent: "UploadedFile[Any]", limit_bytes: int) -> Upload:
    upload = Upload(limit_bytes=limit_bytes, name=sent.name or "", content_type=sent.content_type or "")
    for chunk in sent.chunks():
        upload.write(chunk)
    return upload
