"""What Grove's templates need beyond Django's own tags."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from objects.commands.shapes import compact
from objects.commands.types import show_bytes
from objects.surfaces.pages.addresses import object_address, objects_address, team_address
from objects.surfaces.pages.kinds import hue, picture
from objects.surfaces.pages.themes import chosen

register = template.Library()


@register.simple_tag
def moment(at: datetime | str | None) -> str | SafeString:
    """A time as exact UTC; static/src/js/moments.js writes it in the reader's zone, with how long ago it was."""
    if at is None or at == "":
        return ""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(timespec="milliseconds"), at.strftime("%Y-%m-%d %H:%M:%S UTC")
    )


@register.filter
def size(size_bytes: int | None) -> str:
    """Bytes for people: 33.6 MB."""
    if size_bytes is None:
        return ""
    text = show_bytes(size_bytes)
    number = text.rstrip("kMGTPB")
    return f"{number} {text[len(number) :]}"


@register.filter
def count(number: int | None) -> str:
    """A number with commas."""
    return "" if number is None else f"{number:,}"


@register.filter
def initials(name: str) -> str:
    """Two letters for a round badge: "ann@example.com" is AN."""
    return name[:2].upper()


@register.simple_tag
def object_url(slug: str, path: str, command: str = "") -> str:
    """The address of an object's page, or of the page of one of its commands."""
    return object_address(slug, path, command)


@register.simple_tag
def team_url(slug: str, **query: str) -> str:
    """The address of a team's front page; with a query, of its table of objects."""
    return objects_address(slug, **query) if query else team_address(slug)


@register.simple_tag
def objects_url(slug: str, **query: str) -> str:
    """The address of a team's table of objects: `at` a folder, what to `find`, how to `sort`."""
    return objects_address(slug, **query)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of heroicons; "star-solid" is the filled one. label: read out, where no word stands beside it."""
    return format_html(
        '<svg class="icon{}"{}><use href="{}#{}"/></svg>',
        " solid" if name.endswith("-solid") else "",
        format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"'),
        _sprite(),
        name,
    )


@cache
def _sprite() -> str:
    return static("built/icons.svg")


@register.filter
def short_caller(name: str) -> str:
    """Who called, in short: "ann@example.com" is ann, "token ci of ann@example.com" is token ci."""
    return name.partition(" of ")[0].partition("@")[0]


@register.filter
def last_name(steps: Sequence[Any]) -> str:
    """The name of the last of the steps of a path."""
    return str(steps[-1].name) if steps else ""


@register.simple_tag
def kind_picture(kind: str) -> SafeString:
    """The picture of a kind: templates/kinds/pictures/{kind}.html, or one drawn from its name."""
    return picture(kind)


@register.filter
def kind_class(kind: str) -> str:
    """The class that gives a kind its colour."""
    return f"kind-{hue(kind)}"


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The theme that the person chose: "dark", "light", or "" for the system's."""
    return _chosen(context, "theme")


@register.simple_tag(takes_context=True)
def density(context: template.Context) -> str:
    """How dense the person wants it: "compact", "comfortable", or "" for the usual."""
    return _chosen(context, "density")


def _chosen(context: template.Context, name: str) -> str:
    request = context.get("request")
    return chosen(request, name) if isinstance(request, HttpRequest) else ""


@register.filter
def shown(value: object) -> str:
    """A JSON value in one line, as the terminal writes it."""
    return compact(value)
