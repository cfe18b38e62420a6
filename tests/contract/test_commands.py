"""What every command of every kind and facility keeps to, also the one that was added today."""

import json
from typing import Any

import jsonschema_rs
import pytest

from objects.commands.registry import registry
from objects.commands.render import render
from objects.commands.schemas import arguments_schema, result_schema
from objects.commands.spec import CommandSpec
from objects.commands.types import Download
from objects.commands.words import parse_line
from teams.access import Caller, Role
from teams.problems import NeedsConfirmation, NoSuch, NotAllowed
from tests.contract.examples import every_command, matches, typed
from tests.work.inline import settled

COMMANDS = [pytest.param(kind, spec, id=f"{kind}-{spec.name}") for kind, spec in every_command()]


@pytest.mark.parametrize(("kind", "spec"), COMMANDS)
def test_its_examples_answer_as_they_show(grove, kind: str, spec: CommandSpec, monkeypatch, operating):
    if spec.operators:
        grove = operating(spec.operators)
    path = grove.new(kind)

    for example in spec.examples:
        line, is_left = typed(example.line)
        called, arguments = parse_line(registry.commands(kind), line)
        value = grove.outcome(path, called.name, arguments, check=True, confirmed=True).value
        if called.task and not is_left:
            value = settled(grove, path, value["task"], monkeypatch)
        plain = value.plain() if isinstance(value, Download) else value
        answered = render(plain, called.answer_shape if is_left else called.result_shape)

        assert matches(example.output, answered), (
            f"> {example.line}\n{answered}\n-- but the example shows --\n{example.output}"
        )
        if not is_left:
            jsonschema_rs.validate(result_schema(called), plain)


@pytest.mark.parametrize(("kind", "spec"), COMMANDS)
def test_it_has_an_example_that_calls_it(kind: str, spec: CommandSpec):
    called = {parse_line(registry.commands(kind), typed(example.line)[0])[0].name for example in spec.examples}

    assert spec.name in called


@pytest.mark.parametrize(("kind", "spec"), COMMANDS)
def test_its_schemas_are_json_schema(kind: str, spec: CommandSpec):
    for schema in (arguments_schema(spec), result_schema(spec)):
        jsonschema_rs.meta.validate(schema)
        assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(("kind", "spec"), COMMANDS)
def test_its_summary_is_one_sentence_of_a_line(kind: str, spec: CommandSpec):
    assert len(spec.summary) <= 110
    assert spec.summary.endswith(".")


def asked(kind: str, spec: CommandSpec) -> dict[str, Any]:
    """Give arguments that pass the check: those of the last example that calls the command."""
    calls = [parse_line(registry.commands(kind), typed(example.line)[0]) for example in spec.examples]
    return [arguments for called, arguments in calls if called is spec][-1]


@pytest.mark.parametrize(("kind", "spec"), COMMANDS)
def test_a_stranger_learns_nothing(grove, kind: str, spec: CommandSpec):
    path = grove.new(kind)
    stranger = Caller(name="stranger", schema=grove.schema, grants=(("/elsewhere", Role.OWNER),), id="stranger")

    outcome = grove.acting_as(stranger).outcome(path, spec.name, asked(kind, spec), confirmed=True)

    assert (type(outcome.problem), outcome.problem.detail) == (NoSuch, f"{path}: no such object.")


@pytest.mark.parametrize(("kind", "spec"), [each for each in COMMANDS if each.values[1].verb != "reads"])
def test_a_viewer_changes_nothing(grove, kind: str, spec: CommandSpec):
    path = grove.new(kind)
    before = grove.call(path, "help"), grove.outcome(path, "help").version
    viewer = Caller(name="viewer", schema=grove.schema, grants=(("/", Role.VIEWER),), id="viewer")

    outcome = grove.acting_as(viewer).outcome(path, spec.name, asked(kind, spec), confirmed=True)

    assert (type(outcome.problem), outcome.problem.detail) == (
        NotAllowed,
        (
            f"{spec.name}: needs the role {spec.needs.word} on {path}; yours there is viewer. "
            "An admin of it can give you a grant."
        ),
    )
    assert (grove.call(path, "help"), grove.outcome(path, "help").version) == before


@pytest.mark.parametrize(("kind", "spec"), [each for each in COMMANDS if each.values[1].verb == "dangerous"])
def test_a_dangerous_command_asks_first(grove, kind: str, spec: CommandSpec):
    path = grove.new(kind)
    for example in spec.examples[:-1]:
        called, arguments = parse_line(registry.commands(kind), typed(example.line)[0])
        grove.outcome(path, called.name, arguments, check=True, confirmed=True)
    version = grove.outcome(path, "help").version

    outcome = grove.outcome(path, spec.name, asked(kind, spec))

    assert type(outcome.problem) is NeedsConfirmation
    assert outcome.problem.detail.endswith((".", "?"))
    assert grove.outcome(path, "help").version == version
