"""What a driver does, done to the page: by Chromium's own input, as from a mouse, a keyboard or a finger.

Not Playwright's `click`, which waits until something can be clicked: a person sees that.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from playwright.async_api import CDPSession, FilePayload, Page

from browsers import clipboard

TEXT_CHARS: Final = 100_000
BUTTONS: Final = {0: "left", 1: "middle", 2: "right", 3: "back", 4: "forward"}
MOUSE: Final = {"down": "mousePressed", "up": "mouseReleased", "move": "mouseMoved"}
TOUCH: Final = {"down": "touchStart", "up": "touchEnd", "move": "touchMove"}
# The numbers that Windows gives keys, which Chromium acts upon where a key writes nothing.
KEYS: Final = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46, "Insert": 45, "Shift": 16,
    "Control": 17, "Alt": 18, "Meta": 91, **{f"F{number}": 111 + number for number in range(1, 13)},
}  # fmt: skip
# The same for what is written with them, shifted or not: by a letter's own number "(" would be the arrow down.
SIGNS: Final = {
    sign: number for number, signs in (
        (186, ";:"), (187, "=+"), (188, ",<"), (189, "-_"), (190, ".>"), (191, "/?"), (192, "`~"), (219, "[{"),
        (220, "\\|"), (221, "]}"), (222, "'\""), (48, "0)"), (49, "1!"), (50, "2@"), (51, "3#"), (52, "4$"),
        (53, "5%"), (54, "6^"), (55, "7&"), (56, "8*"), (57, "9("),
    ) for sign in signs
}  # fmt: skip
# What Chromium's editor does for keys that a window system would turn into it.
EDITS: Final = {"a": "selectAll", "z": "undo", "y": "redo"}
_FIELD: Final = """([x, y]) => {
  const at = document.elementFromPoint(x, y);
  const field = at?.closest("input[type=file]") ?? at?.closest("label")?.control;
  return field?.type === "file" ? field : null;
}"""
_DROP: Final = """([x, y, files]) => {
  const data = new DataTransfer();
  for (const { name, type, body } of files)
    data.items.add(new File([Uint8Array.from(atob(body), (each) => each.charCodeAt(0))], name, { type }));
  for (const what of ["dragenter", "dragover", "drop"])
    document.elementFromPoint(x, y)?.dispatchEvent(
      new DragEvent(what, { dataTransfer: data, clientX: x, clientY: y, bubbles: true, cancelable: true }));
}"""
COMMAND_KEYS: Final = 2 | 4  # Control or Meta


async def do(line: CDPSession, page: Page, event: Mapping[str, Any]) -> None:
    """Do one thing. What is not understood does nothing: it came from a page of ours, or from somebody's program."""
    match event.get("type"):
        case "mouse":
            await _mouse(line, event)
        case "wheel":
            x, y = _place(event)
            turned = {"deltaX": _number(event, "dx", 5_000), "deltaY": _number(event, "dy", 5_000)}
            await line.send("Input.dispatchMouseEvent", {"type": "mouseWheel", "x": x, "y": y, **turned})
        case "touch":
            await _touch(line, event)
        case "key":
            await _key(line, event)
        case "text":
            text = str(event.get("text", ""))[:TEXT_CHARS]
            if text:
                await page.keyboard.insert_text(text)
        case "paste":
            await clipboard.pasted(page, str(event.get("text", "")))


async def drop(page: Page, event: Mapping[str, Any], files: list[FilePayload]) -> None:
    """Drop files on what is there: a field for files gets them, anything else is told as by a hand."""
    place = list(_place(event))
    field = (await page.evaluate_handle(_FIELD, place)).as_element()
    if field is not None:
        await field.set_input_files(files)
        return
    told = [
        {"name": each["name"], "type": each["mimeType"], "body": base64.b64encode(each["buffer"]).decode()}
        for each in files
    ]
    await page.evaluate(_DROP, [*place, told])


async def _mouse(line: CDPSession, event: Mapping[str, Any]) -> None:
    what = MOUSE.get(str(event.get("what")))
    if what is None:
        return
    x, y = _place(event)
    held = int(_number(event, "held", 31))
    button = BUTTONS.get(int(_number(event, "button", 4)), "left") if what != "mouseMoved" else "none"
    clicks = int(_number(event, "clicks", 3))
    modifiers = _modifiers(event)
    # The middle button pastes what was chosen last, in whichever page of Chromium's. What else it is for, opening a
    # link in a tab of its own, Control does too.
    if button == "middle":
        button, modifiers, held = "left", modifiers | 2, 1 if what == "mousePressed" else held
    told = {"type": what, "x": x, "y": y, "button": button, "buttons": held & ~4, "clickCount": clicks}
    await line.send("Input.dispatchMouseEvent", told | {"modifiers": modifiers})


async def _touch(line: CDPSession, event: Mapping[str, Any]) -> None:
    what = TOUCH.get(str(event.get("what")))
    points = event.get("points")
    if what is None or not isinstance(points, list):
        return
    places = [
        {"x": x, "y": y, "id": int(_number(each, "id", 1_000))}
        for each in points[:10] if isinstance(each, dict) for x, y in [_place(each)]
    ]  # fmt: skip
    await line.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": places})


async def _key(line: CDPSession, event: Mapping[str, Any]) -> None:
    key, code, modifiers = str(event.get("key", ""))[:20], str(event.get("code", ""))[:20], _modifiers(event)
    held = [name for bit, name in ((2, "Control"), (4, "Meta"), (8, "Shift")) if modifiers & bit]
    if clipboard.meant("+".join([*held, key])) is not None:  # Chromium's clipboard is everybody's
        return
    letter = ord(key.upper()) if len(key) == 1 and key.isascii() and key.isalpha() else 0
    number = KEYS.get(key) or SIGNS.get(key) or letter
    told: dict[str, Any] = {
        "key": key, "code": code, "modifiers": modifiers,
        "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number,
    }  # fmt: skip
    if event.get("what") == "up":
        await line.send("Input.dispatchKeyEvent", told | {"type": "keyUp"})
        return
    writes = "\r" if key == "Enter" else key if len(key) == 1 and not modifiers & COMMAND_KEYS else ""
    edit = EDITS.get(key.lower()) if modifiers & COMMAND_KEYS else None
    if edit:
        told["commands"] = [edit]
    if writes:
        told |= {"text": writes, "unmodifiedText": writes}
    await line.send("Input.dispatchKeyEvent", told | {"type": "keyDown" if writes else "rawKeyDown"})


def _place(event: Mapping[str, Any]) -> tuple[float, float]:
    return max(0.0, _number(event, "x", 20_000)), max(0.0, _number(event, "y", 20_000))


def _modifiers(event: Mapping[str, Any]) -> int:
    return int(_number(event, "modifiers", 15)) & 15


def _number(event: Mapping[str, Any], name: str, most: float) -> float:
    value = event.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 -- not a number
        return 0.0
    return max(-most, min(float(value), most))
