"""Headers that Django and django-csp leave out."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def permissions_policy(answer: Answer) -> Answer:
    """Switch off what browsers offer and no page of Grove uses."""

    def with_policy(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response

    return with_policy
