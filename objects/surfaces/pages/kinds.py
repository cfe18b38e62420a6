"""How a kind is shown: its colour, and its picture."""

import math
from functools import cache
from hashlib import md5
from typing import Final

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

HUES: Final = 8  # static/src/css/tokens.css has as many
PLAIN: Final = "object"


@cache
def hue(kind: str) -> int:
    """The number of a kind's colour: always the same for one name. 0 is the plain object's alone."""
    if kind == PLAIN:
        return 0
    return 1 + md5(kind.encode(), usedforsecurity=False).digest()[0] % (HUES - 1)


@cache
def picture(kind: str) -> SafeString:
    """The picture of a kind: its own, templates/kinds/pictures/{kind}.html, else leaves around a stem, as many and as
    long as its name says. Always the same for one name.
    """
    try:
        own = get_template(f"kinds/pictures/{kind}.html")
    except TemplateDoesNotExist:
        return _leaves(md5(kind.encode(), usedforsecurity=False).digest())
    return mark_safe(own.render())  # noqa: S308 -- a template of ours


def _leaves(seed: bytes) -> SafeString:
    count = 5 + seed[1] % 5
    turn = seed[2] / 256 * math.tau

    def leaf(number: int) -> tuple[str, str]:
        angle = turn + number * math.tau / count
        reach = 34 + seed[3 + number] % 22
        x, y = 160 + reach * math.cos(angle), 70 + reach * math.sin(angle)
        side = angle + math.pi / 2
        bend = 10 + seed[8 + number % 8] % 10
        dx, dy = bend * math.cos(side), bend * math.sin(side)
        middle_x, middle_y = (160 + x) / 2, (70 + y) / 2
        path = (
            f"M160 70Q{middle_x + dx:.1f} {middle_y + dy:.1f} {x:.1f} {y:.1f}"
            f"Q{middle_x - dx:.1f} {middle_y - dy:.1f} 160 70z"
        )
        return ("fill soft" if number % 2 else "ink", path)

    drawn = format_html_join("", '<path class="{}" d="{}"/>', (leaf(number) for number in range(count)))
    return format_html(
        '<svg class="picture" viewBox="0 0 320 140" aria-hidden="true">{}'
        '<circle class="fill" cx="160" cy="70" r="5"/></svg>',
        drawn,
    )
