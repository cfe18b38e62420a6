"""A new kind is three files, green at once; and what a kind lacks is worked out from its files."""

import importlib.util
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from objects.commands.registry import Registry
from objects.commands.ripeness import Need, ripeness_of
from objects.commands.words import parse_line
from objects.management.commands.kinds import table, told
from objects.management.commands.newkind import write_kind
from tests.commands.bench import Bench


def load(path: Path, name: str) -> object:
    spec = importlib.util.spec_from_file_location(f"new_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tally(tmp_path, monkeypatch):
    write_kind(tmp_path, "tally", "Counts things by name.")
    import sys

    module = load(tmp_path / "objects/kinds/tally.py", "tally")
    monkeypatch.setitem(sys.modules, "new_tally", module)
    return module.Tally


def test_a_new_kind_is_three_files(tmp_path):
    written = write_kind(tmp_path, "rate_limiter", "Makes callers wait")

    assert [str(path) for path in written] == [
        "objects/kinds/rate_limiter.py",
        "templates/kinds/rate_limiter.html",
        "tests/kinds/test_rate_limiter.py",
    ]
    assert 'class RateLimiter(Kind[State]):\n    """Makes callers wait."""' in (tmp_path / written[0]).read_text()
    for path in written:
        if path.suffix == ".py":
            compile((tmp_path / path).read_text(), str(path), "exec")


def test_the_examples_of_a_new_kind_answer_as_they_show(tally):
    registry = Registry.of(tally)

    for spec in registry.own_commands(tally).values():
        bench = Bench()
        for example in spec.examples:
            called, arguments = parse_line(registry.commands("tally"), example.line)
            instance = tally(bench)
            assert str(called.run(instance, arguments)) == example.output
            instance.save()


def test_a_new_kind_is_a_seedling_and_told_what_it_needs(tally, tmp_path):
    found = ripeness_of(tally, Registry.of(tally).own_commands(tally).values(), tmp_path)

    assert (found.level, [need.name for need in found.missing()]) == ("seedling", ["property"])
    assert table([found]) == (
        "kind   level     purpose                 needs\ntally  seedling  Counts things by name.  property"
    )
    assert told(found) == (
        "tally: seedling\n"
        "Counts things by name.\n"
        "  seedling  purpose   yes\n"
        "  seedling  examples  yes\n"
        "  seedling  tests     yes\n"
        "  sapling   panel     yes\n"
        "  sapling   refusals  yes\n"
        "  sapling   property  no      state its promise as a property test (hypothesis)\n"
        "  tree      source    no      name its method's source in the module's docstring: `Source: …`\n"
        "  tree      bench     no      measure a call's cost, small and large: tests/bench/bench_tally.py\n"
        "  tree      guide     no      write a guide with a worked use and known limits: docs/kinds/tally.md"
    )


def test_a_kind_may_be_exempt_with_a_reason(tally, tmp_path):
    path = tmp_path / "objects/kinds/tally.py"
    path.write_text(path.read_text() + "\n# exempt: property -- counting has no other promise\n")

    found = ripeness_of(tally, Registry.of(tally).own_commands(tally).values(), tmp_path)

    assert found.level == "sapling"
    assert found.needs[5] == Need(
        "sapling",
        "property",
        True,
        "state its promise as a property test (hypothesis)",
        "counting has no other promise",
    )


def not_a_name(name: str) -> str:
    return (
        f"'{name}' is not a name for a kind: small letters, digits and single _ between them, "
        "beginning with a letter, such as rate_limiter."
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Tally", not_a_name("Tally")),
        ("../tally", not_a_name("../tally")),
        ("a" * 41, f"'{'a' * 41}' has 41 characters: a kind's name has at most 40."),
        ("class", "'class' is a word of Python's own. Choose another name."),
        ("state", "'state' is a facility that every object has. Choose another name."),
        ("object", "there is a kind 'object' already. `manage.py kinds` lists them."),
    ],
)  # fmt: skip
def test_a_bad_name_is_refused(tmp_path, name, message):
    with pytest.raises(CommandError) as refusal:
        write_kind(tmp_path, name, "Does things.")

    assert str(refusal.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("purpose", "message"),
    [
        ("", 'the purpose is one line without " and \\, such as: Counts things by name.'),
        ('Says """.', 'the purpose is one line without " and \\, such as: Counts things by name.'),
        ("Two\nlines.", 'the purpose is one line without " and \\, such as: Counts things by name.'),
        ("x" * 100, "the purpose has 101 characters: at most 100, so that help stays a table."),
    ],
)
def test_a_bad_purpose_is_refused(tmp_path, purpose, message):
    with pytest.raises(CommandError) as refusal:
        write_kind(tmp_path, "tally", purpose)

    assert str(refusal.value) == message


def test_nothing_is_written_over(tmp_path):
    there = tmp_path / "templates/kinds/tally.html"
    there.parent.mkdir(parents=True)
    there.write_text("mine")

    with pytest.raises(CommandError) as refusal:
        write_kind(tmp_path, "tally", "Counts.")

    assert str(refusal.value) == (
        "templates/kinds/tally.html: already there. Nothing was written. Choose another name, or move it away."
    )
    assert there.read_text() == "mine"
    assert not (tmp_path / "objects").exists()
