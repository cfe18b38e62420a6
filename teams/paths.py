"""The form of paths in grants and tokens. What may be an object's name is for `objects.tree.paths` to say."""

import unicodedata

from teams.problems import WrongArgument

PATH_BYTES = 16_384  # 64 names of 255 bytes, with a slash each


def canonical(path: str, field: str = "path") -> str:
    """Give a path in the form in which objects have theirs: NFC, "/" in front, none behind.

    Raises WrongArgument for `field` when it is no path.
    """
    path = unicodedata.normalize("NFC", path)
    if not path.startswith("/"):
        raise WrongArgument(field, f"'{path}' is no path: it starts with '/', like '/project/42'.")
    if len(path.encode("utf-8", "surrogatepass")) > PATH_BYTES:
        raise WrongArgument(field, f"The path is longer than {PATH_BYTES} bytes. No object can have it.")
    if path == "/":
        return path
    path = path.removesuffix("/")
    if any(name in ("", ".", "..") or ":" in name or not name.isprintable() for name in path[1:].split("/")):
        raise WrongArgument(field, f"'{path}' is no path: its names are not empty, '.', '..', nor have ':' in them.")
    return path
