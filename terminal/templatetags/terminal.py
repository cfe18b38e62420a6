"""Where terminals are, for templates."""

from urllib.parse import quote

from django import template
from django.conf import settings

from objects.surfaces.addresses import NAME_SAFE, written
from objects.surfaces.pages.addresses import object_address

register = template.Library()


@register.simple_tag
def terminal_socket(slug: str, path: str) -> str:
    """The address of the socket of an object's terminal."""
    return written("/ws/terminal/", slug, path)


@register.simple_tag
def terminal_page(slug: str, path: str) -> str:
    """The address of the page that is an object's terminal alone."""
    return f"/t/{slug}/terminal{quote(path, safe=NAME_SAFE)}"


@register.simple_tag
def terminal_object(slug: str, path: str) -> str:
    """The address of the object's own page."""
    return object_address(slug, path)


@register.simple_tag(takes_context=True)
def terminal_ssh(context: template.Context, slug: str) -> str:
    """The command that opens the same shell from elsewhere; "" where SSH is not served."""
    port = settings.SSH_PORT
    request = context.get("request")
    if not port or request is None:
        return ""
    host = request.get_host().partition(":")[0]
    return f"ssh -p {port} {slug}@{host}"
