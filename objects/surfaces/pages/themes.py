"""Dark or light: a cookie, so that the server writes the right theme at once and nothing flashes."""

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE: Final = "grove_theme"
THEMES: Final = ("dark", "light")
YEAR_S: Final = 365 * 86_400


def chosen_theme(request: HttpRequest) -> str:
    """The theme that was chosen, or "" where the system's holds."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in THEMES else ""


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme and go back. With scripts, static/src/js/theme.js does both without a request."""
    theme, back = request.POST.get("theme", ""), request.POST.get("back", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back, status=HTTPStatus.SEE_OTHER)
    if theme in THEMES:
        # Not HttpOnly: the script sets it too. It says nothing but a colour.
        response.set_cookie(COOKIE, theme, max_age=YEAR_S, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
