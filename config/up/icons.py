"""The icons: those that pages use, out of the package heroicons, in one file `icons.svg` of symbols.

A template says `{% icon "star" %}`, a script `icon("star")`, Python `icon="star"`. "star-solid" is the filled one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

NAME = r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)"
USES = {
    "templates/**/*.html": re.compile(rf'{{% icon "{NAME}"'),
    "static/src/**/*.js": re.compile(rf'icon\("{NAME}"\)'),
    "objects/**/*.py": re.compile(rf'icon="{NAME}"'),
    "teams/**/*.py": re.compile(rf'icon="{NAME}"'),
}
DRAWING = re.compile(r"<svg[^>]*>(?P<inside>.*)</svg>", re.DOTALL)
SPACE = re.compile(r"\s*\n\s*")
# The sheet says how lines are drawn: `.icon` in base.css.
SAID_ONCE = re.compile(r' (?:stroke-linecap|stroke-linejoin)="round"')


class NoIcon(Exception):  # noqa: N818 -- what is the matter
    """The package has no icon of this name."""


def used_icons(root: Path) -> list[str]:
    """Name the icons that templates, scripts and code use, each once and in order."""
    return sorted({name for pattern, use in USES.items() for name in _found(root, pattern, use)})


def _found(root: Path, pattern: str, use: re.Pattern[str]) -> Iterator[str]:
    for path in root.glob(pattern):
        yield from (found["name"] for found in use.finditer(path.read_text(encoding="utf-8")))


def sprite(package: Path, names: list[str]) -> str:
    """Write the symbols of some icons. package: the folder of heroicons. Raises NoIcon."""
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(_symbol(package, name) for name in names)}</svg>\n'


def _symbol(package: Path, name: str) -> str:
    is_solid = name.endswith("-solid")
    file = package / "24" / ("solid" if is_solid else "outline") / f"{name.removesuffix('-solid')}.svg"
    drawing = DRAWING.search(file.read_text(encoding="utf-8")) if file.exists() else None
    if drawing is None:
        raise NoIcon(f"{name}: heroicons has no such icon. All there are: https://heroicons.com")
    inside = SAID_ONCE.sub("", SPACE.sub("", drawing["inside"]))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{inside}</symbol>'
