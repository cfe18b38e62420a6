"""What Django and django-csp leave out: a header, and an answer for when Valkey is away."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

Answer = Callable[[HttpRequest], HttpResponse]


def permissions_policy(answer: Answer) -> Answer:
    """Switch off what browsers offer and no page of Grove uses."""

    def with_policy(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response

    return with_policy


class without_valkey:  # noqa: N801 -- reads like its neighbour in the settings
    """Answer 503 where a page needs Valkey and it is away: signing in, whose attempts are counted there."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say so; other exceptions stay what they are."""
        if not isinstance(exception, redis.RedisError):
            return None
        answer = render(request, "503.html", status=503)
        answer.headers["Retry-After"] = "5"
        return answer


class compressed_pages(GZipMiddleware):  # noqa: N801 -- reads like its neighbours in the settings
    """Compress pages, to a fifth; files and answers to programs go as they are, with their length.

    What could be guessed from the length of a page that repeats what was typed (BREACH) is guarded: a form's token is
    another one in each page, and Django adds a random length.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave alone whatever is no page."""
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
