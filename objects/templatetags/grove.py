"""What Grove's templates need beyond Django's own tags."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from objects.commands.registry import registry
from objects.commands.shapes import compact
from objects.commands.types import show_bytes
from objects.surfaces.addresses import written
from objects.surfaces.pages.addresses import (
    call_address,
    object_address,
    objects_address,
    tab_address,
    team_address,
)
from objects.surfaces.pages.ago import ago
from objects.surfaces.pages.forms import BACK
from objects.surfaces.pages.kinds import hue, picture
from objects.surfaces.pages.object_tabs import ObjectPage, filled_form, locked
from objects.surfaces.pages.themes import chosen
from objects.tree.paths import ObjectPath

register = template.Library()


@register.simple_tag
def moment(at: datetime | str | None) -> str | SafeString:
    """A time as how long ago it was, exact UTC on hover; static/src/js/moments.js adds the reader's own zone."""
    if at is None or at == "":
        return ""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        ago(at.timestamp() - time.time()),
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
def tab_url(slug: str, path: str, tab: str, rest: str = "") -> str:
    """The address of a tab of an object's page, or of what lies beneath it."""
    return tab_address(slug, path, tab, rest)


@register.simple_tag(takes_context=True)
def may(context: template.Context, command: str) -> bool:
    """Whether who looks has the role that a command of the page's object needs."""
    page: ObjectPage = context["page"]
    spec = registry.command(page.facts["kind"], command)
    return not locked(context["request"], ObjectPath(page.path), spec)


@register.simple_tag(takes_context=True)
def command_form(context: template.Context, command: str, **filled: object) -> str:
    """The form of a command of the page's object, with fields filled in; nothing for who may not send it.

    Once done it comes back to the page that it stands in; to another tab with back="files".
    filled: more fields by name.
    """
    return _sent_by(context, "objects/_inline_form.html", command, filled)


@register.simple_tag(takes_context=True)
def command_button(context: template.Context, command: str, label: str = "", **filled: object) -> str:
    """One button that calls a command of the page's object with these arguments; nothing for who may not.

    A refusal, and the question of a dangerous command, come up in its place. asks: a question that comes first.
    """
    return _sent_by(context, "objects/_button_form.html", command, filled, label=label)


def _sent_by(context: template.Context, shown: str, command: str, filled: dict[str, object], **more: object) -> str:
    page: ObjectPage = context["page"]
    request = context["request"]
    asks = filled.pop("asks", "")
    given: Any = filled.pop("filled", None) or {}  # a template has "" where there is none
    filled = {**given, **filled}
    slug, tab = page.slug, str(filled.pop("back", ""))
    back = page.here if not tab else tab_address(slug, page.path, tab)
    spec = registry.command(page.facts["kind"], command)
    if locked(request, ObjectPath(page.path), spec):
        return ""
    made = filled_form(request, page.path, spec, filled | {BACK: back})
    return render_to_string(shown, {"form": made, "page": page, "filled": filled, "asks": asks, **more}, request)


@register.simple_tag
def call_url(slug: str, path: str, command: str) -> str:
    """The address at which scripts call a command."""
    return call_address(slug, path, command)


@register.simple_tag
def page_socket(slug: str, path: str) -> str:
    """The address of the socket that tells a page of an object what is new (`objects.surfaces.page_socket`)."""
    return written("/ws/page/", slug, path)


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
