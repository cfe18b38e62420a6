"""Seals: that Grove itself wrote something which then lay where others could have written, such as an object's file.

A seal is made with the secret key, as Django's signatures are; those cost too much for each of very many rows.
"""

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from django.conf import settings

_SALT: Final = b"grove.seals"


def seal(*words: str) -> str:
    """Give the seal of some words."""
    return _sealed(settings.SECRET_KEY, _joined(words))


def is_sealed(given: str, *words: str) -> bool:
    """Whether a seal is of these words; also one made with an earlier secret key."""
    text, found = _joined(words), given.encode()
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(found, _sealed(key, text).encode()) for key in keys)


def _joined(words: tuple[str, ...]) -> bytes:
    """Write words one after the other, so that no others read the same."""
    return "".join([f"{len(word)}:{word}" for word in words]).encode()


@lru_cache(maxsize=64)  # what is due is checked, and sealed anew, in one go
def _sealed(key: str, text: bytes) -> str:
    return hmac.digest(_derived(key), text, "sha256").hex()


@lru_cache(maxsize=16)
def _derived(key: str) -> bytes:
    return hashlib.sha256(_SALT + key.encode()).digest()
