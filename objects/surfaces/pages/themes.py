"""How pages look to one reader: dark or light, compact or comfortable. Cookies, so that the server writes the right
look at once and nothing flashes or jumps.
"""

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

CHOICES: Final = {
    "theme": ("dark", "light"),
    "density": ("compact", "comfortable"),
}  # static/src/js/theme.js has them too
YEAR_S: Final = 365 * 86_400


def chosen(request: HttpRequest, name: str) -> str:
    """What was chosen for "theme" or "density", or "" where the system's or the usual one holds."""
    value = request.COOKIES.get(f"grove_{name}", "")
    return value if value in CHOICES[name] else ""


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep what was chosen and go back. With scripts, static/src/js/theme.js does both without a request."""
    back = request.POST.get("back", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back, status=HTTPStatus.SEE_OTHER)
    for name, values in CHOICES.items():
        if name not in request.POST:
            continue
        value = request.POST[name]
        if value in values:
            # Not HttpOnly: the script sets it too. It says nothing but a look.
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(f"grove_{name}", value, max_age=YEAR_S, samesite="Lax", secure=secure)
        else:
            response.delete_cookie(f"grove_{name}", samesite="Lax")
    return response
