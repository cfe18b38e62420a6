"""Seals: that Grove itself wrote something which then lay where others could have written, such as an object's file."""

from typing import Final

from django.core.signing import BadSignature, Signer

_BETWEEN: Final = "\x1f"


def seal(*words: str) -> str:
    """Give the seal of some words."""
    return Signer(salt="grove.seals").signature(_BETWEEN.join(words))


def is_sealed(given: str, *words: str) -> bool:
    """Whether a seal is of these words; also one made with an earlier secret key."""
    text = _BETWEEN.join(words)
    try:
        return Signer(salt="grove.seals", sep=":").unsign(f"{text}:{given}") == text
    except BadSignature:
        return False
