"""Answers: a fragment for htmx, the whole page for everyone else, and problems in the same look."""

import math
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from teams.problems import BadRequest, NoSuch, Problem, TooLarge


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page. Boosted links and history restores want all of it."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def answer(
    request: HttpRequest, template: str, page: object, *, fragment: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    """Render `page` with the template, or with the fragment where htmx asks for one. Both live at one address."""
    chosen = fragment if fragment and wants_fragment(request) else template
    response = render(request, chosen, {"page": page}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    # What a team's objects hold is nobody else's: no shared cache keeps it, and Back after signing out shows nothing.
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def refuse(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Show a problem with its status."""
    return retry_after(
        answer(request, "problem.html", problem, fragment="_problem.html", status=problem.status),
        problem,
    )


def retry_after(response: HttpResponse, problem: Problem | None) -> HttpResponse:
    """Tell when to come back, where the problem knows."""
    if problem is not None and problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after_s)))
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: what cannot be read, and forms that are too large."""
    if isinstance(exception, RequestDataTooBig):
        return refuse(
            request, TooLarge("The form is larger than a form may be (limit ARGUMENT_BYTES). Send a file instead.")
        )
    return refuse(request, BadRequest("The request cannot be read. Go back, load the page again and repeat."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 -- Django passes it
    """Django's handler404."""
    return refuse(request, NoSuch("There is nothing here, or it is hidden from you. Look at the address."))
