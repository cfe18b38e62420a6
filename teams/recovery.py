"""The way in for who has lost their passkey: recovery codes, for those too who signed up with nothing but a passkey."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest

from teams.models import Person

KEEP_THEM = "Keep your recovery codes for the day your passkey is lost: they are in your account, under Second step."


@receiver(authenticator_added)
def make_codes_at_sign_up(request: HttpRequest, user: Person, authenticator: Authenticator, **_: Any) -> None:
    """Make recovery codes with the first passkey; allauth itself does so only for who is signed in already."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES)
    if authenticator.type == Authenticator.Type.WEBAUTHN and not request.user.is_authenticated and not codes.exists():
        RecoveryCodes.activate(user)
        messages.info(request, KEEP_THEM)
