"""JavaScript that runs in pages: a file each, which is one expression below a comment."""

from functools import cache
from pathlib import Path


@cache
def script(name: str) -> str:
    """Give the expression of a file."""
    lines = Path(__file__).with_name(f"{name}.js").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))
