"""Seals: that Grove itself wrote something which then lay where others could have written, such as an object's file."""

from typing import Final

from django.core.signing import BadSignature, Signer

_SALT: Final = "grove.seals"


def seal(*words: str) -> str:
    """Give the seal of some words."""
    return Signer(salt=_SALT).signature(_joined(words))


def is_sealed(given: str, *words: str) -> bool:
    """Whether a seal is of these words; also one made with an earlier secret key."""
    text = _joined(words)
    try:
        return Signer(salt=_SALT, sep=":").unsign(f"{text}:{given}") == text
    except BadSignature:
        return False


def _joined(words: tuple[str, ...]) -> str:
    """Write words one after the other, so that no others read the same."""
    return "".join(f"{len(word)}:{word}" for word in words)
