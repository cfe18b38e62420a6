"""Locks: texts that this Grove alone can read, and only as what they were locked for; for secrets in objects' files.

With AES-SIV (RFC 5297) under the secret key: the same text for the same purpose is locked to the same bytes, so that it
takes no chance, and nothing is lost where it is done twice.
"""

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings

_SALT: Final = b"grove.locks"


def lock(text: str, *purpose: str) -> bytes:
    """Lock a text. purpose: words that `unlock` has to say again."""
    return _cipher(settings.SECRET_KEY).encrypt(text.encode(), _told(purpose))


def unlock(given: bytes, *purpose: str) -> str | None:
    """Read a text again, also one that was locked with an earlier secret key.

    None where it was locked by another Grove, or for something else.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(key).decrypt(given, _told(purpose)).decode()
        except (InvalidTag, ValueError):
            continue
    return None


def _cipher(key: str) -> AESSIV:
    return AESSIV(hmac.digest(_SALT, key.encode(), hashlib.sha512))


def _told(purpose: tuple[str, ...]) -> list[bytes]:
    return [word.encode() for word in purpose]
