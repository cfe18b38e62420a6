"""Secrets of this installation: generated on first use into files that only their owner reads, never a default."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def kept_secret(path: Path, length: int = 64) -> str:
    """Read the secret in a file, or make both. Several processes that start at once agree on one secret."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written under another name (mode 0600) and linked: nobody reads half a secret, and the first link wins.
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(length) + "\n")
        with suppress(FileExistsError):  # another process was first; its secret counts
            os.link(draft, path)
    finally:
        Path(draft).unlink()
    return path.read_text(encoding="ascii").strip()
