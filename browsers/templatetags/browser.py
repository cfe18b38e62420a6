"""Where live views are, for templates."""

from django import template

from objects.surfaces.addresses import written

register = template.Library()


@register.simple_tag
def browser_socket(slug: str, path: str) -> str:
    """The address of the socket of the live view of an object's browser (`browsers.live.socket`)."""
    return written("/ws/browser/", slug, path)
