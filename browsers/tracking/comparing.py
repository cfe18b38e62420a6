"""Whether two texts or two pictures of a page differ, and in what."""

import io
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from PIL import Image, ImageChops

TEXT_CHARS: Final = 100_000
DIFF_CHARS: Final = 20_000
NOTICED: Final = 24  # of 255, by which a colour differs before anybody sees it: fonts are not drawn alike each time
LARGEST: Final = 40_000_000  # dots of a picture


@dataclass(frozen=True, slots=True)
class Difference:
    """In what a picture differs. share: of its dots, 0 to 1. png: the newer one, faded, with what differs in red."""

    share: float
    png: bytes


def plain(text: str) -> str:
    """Give a page's text without what nobody reads: space at the ends of lines, and more than one empty line."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip()[:TEXT_CHARS]


def text_diff(before: str, after: str) -> str:
    """Write what was taken away and what came, a line each, with a line around it."""
    lines = list(unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))[2:]
    return "\n".join(line for line in lines if not line.startswith("@@"))[:DIFF_CHARS]


def picture_difference(before: bytes, after: bytes) -> Difference:
    """Compare two PNGs. Where they are not of one size, what only one of them has differs."""
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        size = max(old.width, new.width), max(old.height, new.height)
        if size[0] * size[1] > LARGEST:
            raise ValueError(f"{size[0]} × {size[1]} dots")
        first, second = _on_canvas(old, size), _on_canvas(new, size)
    marks = ImageChops.difference(first.convert("RGB"), second.convert("RGB"))
    bands = [each.point(lambda value: 255 if value > NOTICED else 0) for each in marks.split()]
    mask = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    mask = ImageChops.lighter(mask, ImageChops.difference(first.getchannel("A"), second.getchannel("A")))
    share = mask.histogram()[255] / (size[0] * size[1])
    shown = Image.blend(second.convert("RGB"), Image.new("RGB", size, "white"), 0.6)
    shown.paste((214, 40, 57), mask=mask)
    png = io.BytesIO()
    shown.save(png, "PNG", optimize=True)
    return Difference(share, png.getvalue())


def _on_canvas(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Give a picture on a ground of a size that is empty elsewhere."""
    canvas = Image.new("RGBA", size, (255, 255, 255, 0))
    canvas.paste(picture.convert("RGB"), (0, 0))
    return canvas
