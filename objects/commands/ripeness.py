"""How ripe a kind is: worked out from its code, tests and documents; nobody declares it.

An exemption is a line in the kind's module, with its reason: `# exempt: panel -- it has no state to show`.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objects.commands.bases import Kind
from objects.commands.help import purpose_of
from objects.commands.spec import CommandSpec

LEVELS = ("seed", "seedling", "sapling", "tree")
LONGEST_PURPOSE = 100  # characters: one line of help

_EXEMPT = re.compile(r"^\s*# exempt: ([a-z ]+?) -- (\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a level needs. way: what would meet it. exempt: why this kind need not."""

    level: str
    name: str
    is_met: bool
    way: str
    exempt: str = ""


@dataclass(frozen=True, slots=True)
class Ripeness:
    """level: the highest whose needs, and those of all below, are met; "seed" where the first is not reached."""

    kind: str
    level: str
    purpose: str
    needs: list[Need]

    def missing(self) -> list[Need]:
        """Give what the next level needs and the kind has not."""
        reached = LEVELS.index(self.level)
        following = LEVELS[reached + 1] if reached + 1 < len(LEVELS) else ""
        return [need for need in self.needs if need.level == following and not need.is_met]


@dataclass(frozen=True, slots=True)
class _Sources:
    """What is looked at."""

    kind: type[Kind[Any]]
    specs: tuple[CommandSpec, ...]
    code: str
    tests: str
    root: Path


def ripeness_of(kind: type[Kind[Any]], specs: Iterable[CommandSpec], root: Path) -> Ripeness:
    """Work out how ripe a kind is. specs: its own commands. root: the checkout."""
    code = Path(inspect.getfile(kind)).read_text(encoding="utf-8")
    test_file = root / "tests" / "kinds" / f"test_{kind.name}.py"
    tests = test_file.read_text(encoding="utf-8") if test_file.exists() else ""
    sources = _Sources(kind, tuple(specs), code, tests, root)
    exempt = dict(_EXEMPT.findall(code))
    needs = []
    for level, name, check in _NEEDS:
        way = check(sources)
        needs.append(Need(level, name, not way or name in exempt, way, exempt.get(name, "")))
    level = LEVELS[0]
    for following in LEVELS[1:]:
        if not all(need.is_met for need in needs if need.level == following):
            break
        level = following
    return Ripeness(kind.name, level, purpose_of(kind), needs)


# Each gives what would meet it, or "" where it is met.


def _purpose(sources: _Sources) -> str:
    purpose = purpose_of(sources.kind)
    if len(purpose) > LONGEST_PURPOSE:
        return f"say the purpose in {LONGEST_PURPOSE} characters: it has {len(purpose)}"
    return "" if purpose.endswith(".") else "end the first line of the class's docstring with a full stop"


def _examples(sources: _Sources) -> str:
    bare = [spec.name for spec in sources.specs if not spec.examples]
    return f"write an example into the docstring of {', '.join(bare)}" if bare else ""


def _tests(sources: _Sources) -> str:
    return "" if "def test_" in sources.tests else f"write tests/kinds/test_{sources.kind.name}.py"


def _panel(sources: _Sources) -> str:
    path = Path("templates") / "kinds" / f"{sources.kind.name}.html"
    return "" if (sources.root / path).exists() else f"make a panel: {path}"


def _refusals(sources: _Sources) -> str:
    raised = sum(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(ast.parse(sources.code)))
    tested = len(re.findall(r"pytest\.raises\(|\.problem\b", sources.tests))
    return "" if tested >= raised else f"test each refusal: {raised} are raised, {tested} tested"


def _property(sources: _Sources) -> str:
    if re.search(r"^@given\(|RuleBasedStateMachine", sources.tests, re.MULTILINE):
        return ""
    return "state its promise as a property test (hypothesis)"


def _source(sources: _Sources) -> str:
    doc = ast.get_docstring(ast.parse(sources.code)) or ""
    return (
        ""
        if re.search(r"^Source: ", doc, re.MULTILINE)
        else "name its method's source in the module's docstring: `Source: …`"
    )


def _bench(sources: _Sources) -> str:
    path = Path("tests") / "bench" / f"bench_{sources.kind.name}.py"
    return "" if (sources.root / path).exists() else f"measure a call's cost, small and large: {path}"


def _guide(sources: _Sources) -> str:
    path = Path("docs") / "kinds" / f"{sources.kind.name}.md"
    return "" if (sources.root / path).exists() else f"write a guide with a worked use and known limits: {path}"


_NEEDS: tuple[tuple[str, str, Callable[[_Sources], str]], ...] = (
    ("seedling", "purpose", _purpose),
    ("seedling", "examples", _examples),
    ("seedling", "tests", _tests),
    ("sapling", "panel", _panel),
    ("sapling", "refusals", _refusals),
    ("sapling", "property", _property),
    ("tree", "source", _source),
    ("tree", "bench", _bench),
    ("tree", "guide", _guide),
)
