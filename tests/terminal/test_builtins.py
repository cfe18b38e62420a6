"""Every builtin does what its examples show, and has what help needs."""

import pytest

from terminal.builtins import Builtin, builtins
from terminal.builtins.sessions import GROUP
from tests.contract.examples import matches
from tests.terminal.sitting import Person

# Those of sessions (`share`, `record`) need one: tests/terminal/test_sessions.py runs them.
HERE = [pytest.param(each, id=name) for name, each in builtins.items() if each.group != GROUP]
ALL = [pytest.param(each, id=name) for name, each in builtins.items()]


@pytest.fixture
async def sitting(grove, team):
    made = Person(grove.caller, team.slug, grove.home)
    yield made
    await made.shell.close()


@pytest.mark.parametrize("builtin", HERE)
async def test_its_examples_answer_as_they_show(sitting, builtin: Builtin):
    for example in builtin.examples:
        answered = await sitting.types(example.line)

        assert matches(example.output, answered.removesuffix("\n")), (
            f"> {example.line}\n{answered}\n-- but the example shows --\n{example.output}"
        )


@pytest.mark.parametrize("builtin", ALL)
def test_it_has_an_example_that_runs_it(builtin: Builtin):
    words = [word for example in builtin.examples for word in example.line.replace("|", " ").split()]

    assert builtin.name in words


@pytest.mark.parametrize("builtin", ALL)
def test_its_summary_is_a_sentence(builtin: Builtin):
    assert builtin.summary.endswith(".")
    assert len(builtin.summary) <= 120
