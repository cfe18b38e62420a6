"""How people sign in, where django-allauth leaves the choice to us."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Lets strangers make accounts only where GROVE_SIGNUP says so."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- allauth's signature
        """Whether somebody may make an account."""
        return bool(settings.SIGNUP_OPEN)
