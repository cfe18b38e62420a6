"""What Grove's templates need beyond Django's own tags."""

from datetime import UTC, datetime

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from objects.commands.shapes import compact
from objects.commands.types import show_bytes
from objects.surfaces.pages.addresses import object_address, team_address
from objects.surfaces.pages.themes import chosen_theme

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
    """The address of a team's tree."""
    return team_address(slug, **query)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The theme that the person chose: "dark", "light", or "" for the system's."""
    request = context.get("request")
    return chosen_theme(request) if isinstance(request, HttpRequest) else ""


@register.filter
def shown(value: object) -> str:
    """A JSON value in one line, as the terminal writes it."""
    return compact(value)
