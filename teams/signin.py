"""How people sign in, where django-allauth leaves the choice to us."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import AddEmailForm as AllauthAddressForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import RequestLoginCodeForm as AllauthCodeForm
from allauth.account.forms import ResetPasswordForm as AllauthResetForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from allauth.mfa.webauthn.forms import AddWebAuthnForm, SignupWebAuthnForm
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django import forms
from django.http import HttpRequest

from teams import switches
from teams.actions.invitations import find_invitation
from teams.models import Invitation, Person
from teams.problems import NoSuch

PASSKEY_NAME = "which one it is: 'laptop', 'blue key'"
INVITED = "invitation"  # the session's key of the link by which somebody came


def come_by(request: HttpRequest, key: str, invitation: Invitation) -> None:
    """Remember the link by which somebody came who is not signed in: it lets them make an account.

    Whoever has the link reads that mailbox: the address needs no other proof.
    """
    request.session[INVITED] = key
    AccountAdapter().stash_verified_email(request, invitation.email)


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The invitation by which somebody came, if it still works."""
    try:
        key = request.session.get(INVITED)
        return find_invitation(key) if key else None
    except NoSuch:
        return None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Lets people make accounts who are invited, and strangers where the switch says so."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether somebody may make an account."""
        return switches.is_on("signup") or invitation_of(request) is not None


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """The same for who comes with an account of somebody else's."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether somebody may make an account: an invited one with the address that was invited."""
        invitation = invitation_of(request)
        return switches.is_on("signup") or (invitation is not None and sociallogin.user.email == invitation.email)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Asks for a name, too; who is invited has the invited address."""

    name = forms.CharField(
        label="Your name",
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="as others in your teams see it",
    )
    field_order = ("name", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)
        self.fields["email"].label = "E-mail"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean_email(self) -> str:
        """Keep an invitation from opening the door to others where strangers may not come in."""
        email: str = super().clean_email()
        invitation = invitation_of(context.request)
        if not switches.is_on("signup") and (invitation is None or email.lower() != invitation.email):
            raise forms.ValidationError("Accounts are made by invitation: use the address that was invited.")
        return email

    def custom_signup(self, request: HttpRequest, user: Person) -> None:
        """Keep the name."""
        user.name = self.cleaned_data["name"].strip()
        user.save(update_fields=["name"])
        super().custom_signup(request, user)


class AskedForAddress:
    """A form of allauth's that asks for an address, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        for name, field in fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in ("login", "email"):
                field.label = "E-mail"


class LoginForm(AskedForAddress, AllauthLoginForm):  # type: ignore[misc]
    """Signs in by password."""


class CodeForm(AskedForAddress, AllauthCodeForm):  # type: ignore[misc]
    """Has a code sent."""


class ResetForm(AskedForAddress, AllauthResetForm):  # type: ignore[misc]
    """Has a link for a new password sent."""


class AddressForm(AskedForAddress, AllauthAddressForm):  # type: ignore[misc]
    """Names another address."""


class FirstPasskeyForm(SignupWebAuthnForm):  # type: ignore[misc]
    """Makes the passkey of an account that has no password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = PASSKEY_NAME


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """Makes a passkey that is enough to sign in, unless one wants it as a second factor alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = PASSKEY_NAME
        if "passwordless" in self.fields:
            self.fields["passwordless"].initial = True
            self.fields["passwordless"].label = "Sign in with it alone"
            self.fields[
                "passwordless"
            ].help_text = "needs a fingerprint, a face or a PIN; without it, it is a second step"
