"""Pictures between the lines: as iTerm2 has them (OSC 1337), or as DEC sixels; or what a picture is, in words."""

import asyncio
import base64
import io
import re

from PIL import Image

from objects.commands.render import visible
from objects.commands.types import Download, show_bytes
from terminal.style import Style
from terminal.values import Flow

PICTURE_BYTES = 8 * 1024 * 1024
PICTURE_PIXELS = 40_000_000


async def picture(flow: Flow, style: Style, pictures: str) -> str:
    """Write a picture's file as a screen can show it, or say what it is. pictures: as `Screen.pictures`."""
    download: Download = flow.value
    about = f"{visible(download.name)}: a picture, {show_bytes(download.size)} of {visible(download.content_type)}"
    if not pictures or style.plain:
        return f"{about}. This terminal shows no pictures; the object's page does.\n"
    if download.size > PICTURE_BYTES:
        return f"{about}, larger than the {show_bytes(PICTURE_BYTES)} that are shown here.\n"
    content = await flow.content(PICTURE_BYTES)
    most = min(style.width * 8, 800), 600
    # In a thread: a large picture takes a second, on an event loop that other terminals share.
    return await asyncio.to_thread(_drawn, content, most, pictures, download.name, about) + "\n"


def _drawn(content: bytes, most: tuple[int, int], pictures: str, name: str, about: str) -> str:
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > PICTURE_PIXELS:
                return f"{about}, {opened.width} × {opened.height} dots, too many to show here."
            drawn = opened.convert("RGBA" if pictures == "iterm" else "RGB")  # sixels know nothing of see-through
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return f"{about}, which cannot be read as one."
    drawn.thumbnail(most)
    return _iterm(drawn, name) if pictures == "iterm" else sixel(drawn)


def _iterm(drawn: Image.Image, name: str) -> str:
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    title = base64.b64encode(name.encode(errors="replace")).decode()
    return f"\x1b]1337;File=name={title};size={buffer.tell()};inline=1:{encoded}\x07"


def sixel(drawn: Image.Image) -> str:
    """Encode a picture as DEC sixels, in at most 64 colours."""
    reduced = drawn.quantize(64)
    palette = reduced.getpalette() or []
    width, height = reduced.size
    dots = reduced.tobytes()
    out = [f'\x1bPq"1;1;{width};{height}']
    out += [
        f"#{at};2;{palette[at * 3] * 100 // 255};{palette[at * 3 + 1] * 100 // 255};{palette[at * 3 + 2] * 100 // 255}"
        for at in range(min(64, len(palette) // 3))
    ]
    for top in range(0, height, 6):
        band = [dots[(top + row) * width : (top + row + 1) * width] for row in range(min(6, height - top))]
        for colour in sorted(set(b"".join(band))):
            cells = bytearray(
                63 + sum((row[at] == colour) << bit for bit, row in enumerate(band)) for at in range(width)
            )
            out.append(f"#{colour}{_run_lengths(cells.decode())}$")
        out.append("-")
    return "".join(out) + "\x1b\\"


def _run_lengths(cells: str) -> str:
    return re.sub(r"(.)\1{3,}", lambda match: f"!{len(match[0])}{match[1]}", cells)
