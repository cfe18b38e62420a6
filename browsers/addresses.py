"""Which addresses a browser opens: those of the web."""

import re
from typing import Final
from urllib.parse import urlsplit

from teams.problems import WrongArgument

BLANK: Final = "about:blank"
MOST_CHARS: Final = 8_000


def address(text: str, field: str = "url") -> str:
    """Read an address as people type it: `example.com` is https. Raises WrongArgument."""
    typed = text.strip()
    if typed == BLANK:
        return typed
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", typed):
        local = re.match(r"(([\w-]+\.)*localhost|[\d.]+|\[[0-9a-fA-F:.]+\])(?=[:/?#]|$)", typed)
        typed = f"{'http' if local else 'https'}://{typed}"
    if not is_web(typed):
        raise WrongArgument(
            field, f"{text[:80]}: is no address of the web. Write one such as https://example.com/page."
        )
    if len(typed) > MOST_CHARS:
        raise WrongArgument(field, f"has {len(typed):,} characters; an address has at most {MOST_CHARS:,}.")
    return typed


def is_web(text: str) -> bool:
    """Whether an address is one of the web's: no file, no page of the browser's own."""
    if any(ord(each) < 32 or ord(each) == 127 for each in text):  # urlsplit leaves some of them out, and reads on
        return False
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and " " not in parts.netloc and parts.port != 0
        return is_whole and parts.scheme.lower() in {"http", "https"}
    except ValueError:
        return False
