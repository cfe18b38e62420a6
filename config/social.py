"""Reads which other accounts people may sign in with: none, unless GROVE_SOCIAL names some."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# Where each sends people to sign in: the content security policy must let a form lead there.
ORIGINS = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "google": "https://accounts.google.com",
    "microsoft": "https://login.microsoftonline.com",
}
OPENID = "openid_connect"


@dataclass(frozen=True)
class Social:
    """Settings for django-allauth; all empty where nothing is configured."""

    apps: list[str]
    providers: dict[str, Any]
    origins: list[str]


def social(environment: Mapping[str, str]) -> Social:
    """Read GROVE_SOCIAL, a comma-separated list, and for each GROVE_<NAME>_ID and GROVE_<NAME>_SECRET.

    `openid_connect` takes any server that speaks OpenID Connect: GROVE_OPENID_CONNECT_URL, and _NAME for its button.
    """
    names = [name.strip() for name in environment.get("GROVE_SOCIAL", "").split(",") if name.strip()]
    providers: dict[str, Any] = {}
    origins = []
    for name in names:
        if name not in (*ORIGINS, OPENID):
            raise ImproperlyConfigured(
                f"GROVE_SOCIAL: no provider '{name}'. There are: {', '.join(ORIGINS)}, {OPENID}."
            )
        client, secret = (_needed(environment, name, part) for part in ("ID", "SECRET"))
        app: dict[str, Any] = {"client_id": client, "secret": secret, "key": ""}
        if name == OPENID:
            url = _needed(environment, name, "URL")
            parts = urlsplit(url)
            origins.append(f"{parts.scheme}://{parts.netloc}")
            app |= {
                "provider_id": "oidc",
                "name": environment.get("GROVE_OPENID_CONNECT_NAME", "") or parts.hostname or "OpenID Connect",
                "settings": {"server_url": url},
            }
        else:
            origins.append(ORIGINS[name])
        providers[name] = {"APPS": [app]}
    return Social([f"allauth.socialaccount.providers.{name}" for name in names], providers, origins)


def _needed(environment: Mapping[str, str], name: str, part: str) -> str:
    value = environment.get(f"GROVE_{name.upper()}_{part}", "")
    if not value:
        raise ImproperlyConfigured(f"GROVE_SOCIAL names {name}: GROVE_{name.upper()}_{part} is missing.")
    return value
