"""Tags: short words on objects, to find them by."""

import re
from unicodedata import normalize

from teams.problems import WrongArgument

TAG_BYTES = 64
TAGS = 64  # of one object
WORD = re.compile(r"\w[\w.:=+-]*")


def check_tag(text: str, field: str = "tag") -> str:
    """Read a tag: a lower-case word of letters, digits and `_ . : = + -`; raises WrongArgument for `field`."""
    tag = normalize("NFC", text[: 4 * TAG_BYTES])
    if not WORD.fullmatch(tag) or tag != tag.lower():
        raise WrongArgument(
            field,
            f"the tag {text[:40]!r} is not a lower-case word of letters, digits and _, with . : = + - after the first.",
        )
    if (size := len(tag.encode())) > TAG_BYTES:
        raise WrongArgument(field, f"the tag {tag[:20]!r}… has {size} bytes; {TAG_BYTES} is the most.")
    return tag
