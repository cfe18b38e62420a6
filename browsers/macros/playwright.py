"""A macro as a test in Python, for pytest with pytest-playwright. What it names is found as Grove finds it."""

import json
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pprint import pformat
from typing import Any, Final

from browsers.addresses import address
from browsers.commands.waiting import expectation
from browsers.macros.language import Do, Each, Keep, Macro, Step
from browsers.macros.tables import Row, named, rows_in

__all__ = ["named", "rows_in", "written_out"]

HEAD: Final = '''"""The macro {name} of Grove, as a test. Run it with `pytest {file}`; it needs pytest-playwright."""

{imports}
from playwright.sync_api import Error, Frame, Locator, Page

'''
FINDING: Final = '''
def thing(page: Page, words: str, *, fields: bool = False) -> Locator:
    """Find what people see: by a CSS selector, the words on it or its label, the first that is there."""
    until = time.monotonic() + 10
    while True:
        for frame in page.frames:
            for way in ways(frame, words, fields=fields):
                try:
                    count = way.count()
                    for at in range(min(count, 20)):
                        if count == 1 or way.nth(at).is_visible():
                            return way.nth(at)
                except Error:  # no CSS selector, or the frame went away
                    continue
        assert time.monotonic() < until, f"{words}: nothing like that is on the page {page.url}"
        page.wait_for_timeout(100)


def ways(frame: Frame, words: str, *, fields: bool) -> list[Locator]:
    """Give the ways in which words may be meant, the likeliest first."""
    labelled = [frame.get_by_label(words, exact=True), frame.get_by_placeholder(words, exact=True)]
    acted = [frame.get_by_role(role, name=words, exact=True) for role in ("button", "link", "tab", "menuitem")]
    css = [frame.locator(f"css={words}")]
    loosely = [frame.get_by_label(words), frame.get_by_placeholder(words)]
    if fields:
        return [*css, *labelled, *loosely, *acted]
    return [*css, *acted, *labelled, frame.get_by_text(words, exact=True), *loosely, frame.get_by_text(words)]


def is_seen(page: Page, what: str, words: str) -> bool:
    """Tell whether a text or a CSS selector is on the page."""
    for frame in page.frames:
        found = frame.get_by_text(words) if what == "text" else frame.locator(words)
        if any(each.is_visible() for each in found.all()):
            return True
    return False


def wait_until(page: Page, is_so: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait for something, and fail with what it was."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"expected {what}: it is not so after {seconds:g} s, at {page.url}"
        page.wait_for_timeout(100)

'''
TEXT: Final = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}|\{|\}")
Rows = Callable[[Each, Mapping[str, str]], Sequence[Row]]


def written_out(name: str, macro: Macro, rows: Rows) -> str:
    """Write a macro as a test. rows: gives what a loop over SQL or a file goes through now."""
    words = re.sub(r"\W+", "_", name).strip("_").lower() or "macro"
    lines: list[str] = []
    for each in macro.parameters:
        variable = f"GROVE_{each.name.upper()}"
        if each.default is None:
            lines.append(f"{_name(each.name)} = os.environ[{_in_quotes(variable)}]")
        else:
            lines.append(f"{_name(each.name)} = os.environ.get({_in_quotes(variable)}, {_in_quotes(each.default)})")
    values = {each.name: each.default for each in macro.parameters if each.default is not None}
    writer = _Writer(values, rows)
    lines += writer.steps(macro.steps)
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    needed = ["json"] * ("json." in body) + ["os"] * ("os." in body) + ["time"]
    imports = "".join(f"import {each}\n" for each in needed) + "from collections.abc import Callable\n"
    head = HEAD.format(name=name, file=f"test_{words}.py", imports=imports)
    return f"{head}{FINDING}\ndef test_{words}(page: Page) -> None:\n{body}\n"


def _name(name: str) -> str:
    """Give the variable of a parameter: what the test itself needs keeps its name."""
    taken = ("page", "thing", "ways", "expect", "time", "json", "os", "row", "kept")
    return f"{name}_" if name in taken or keyword.iskeyword(name) else name


class _Writer:
    """Writes steps. values: the defaults of parameters, for the rows of loops."""

    def __init__(self, values: Mapping[str, str], rows: Rows) -> None:
        self.values = values
        self.rows = rows

    def steps(self, steps: Sequence[Step]) -> list[str]:
        """Write steps as lines of Python."""
        lines: list[str] = []
        for step in steps:
            lines += self._each(step) if isinstance(step, Each) else self._step(step)
        return lines

    def _each(self, step: Each) -> list[str]:
        if step.source == "rows":
            columns = set(_names(step.steps))
            head = 'for row in json.loads(os.environ["GROVE_ROWS"]):'
        else:
            rows = list(self.rows(step, self.values))
            columns = set(rows[0]) if rows else set()
            head = f"for row in {pformat(rows, width=100, sort_dicts=False)}:"
        body = [f"{_name(each)} = str(row[{_in_quotes(each)}])" for each in sorted(columns & set(_names(step.steps)))]
        body += self.steps(step.steps)
        return [f"# {step.text}", *head.splitlines(), *(f"    {line}" for line in body or ["pass"])]

    def _step(self, step: Do | Keep) -> list[str]:
        name = step.spec.name.rpartition(".")[2]
        given = step.arguments
        if isinstance(step, Keep):
            target = given.get("target", "table" if name == "table" else "body")
            return [f"# {step.text}", f"thing(page, {self._text(target)}).wait_for()"]
        make = getattr(self, f"_{name}", None)
        if make is None:
            return [f"# {step.text}  (has no counterpart in a test)"]
        made: list[str] = make(given)
        return made

    def _text(self, value: Any) -> str:
        """Write a text with its places as Python: a plain one, or an f-string."""
        text = str(value)
        if not any(found[2] for found in TEXT.finditer(text)):
            return _in_quotes(TEXT.sub(lambda found: f"{{{found[1]}}}" if found[1] else found[0], text))
        parts: list[str] = []
        at = 0
        for found in TEXT.finditer(text):
            parts += [_in_f_string(text[at : found.start()])]
            parts += [
                f"{{{_name(found[2].lower())}}}"
                if found[2]
                else _in_f_string(f"{{{found[1]}}}" if found[1] else found[0])
            ]
            at = found.end()
        return 'f"' + "".join([*parts, _in_f_string(text[at:])]) + '"'

    # One command each

    def _open(self, given: Mapping[str, Any]) -> list[str]:
        url = given["url"]
        if not TEXT.search(url.split("/")[0]):
            url = address(url)
        return [f"page.goto({self._text(url)})"]

    def _back(self, _: Mapping[str, Any]) -> list[str]:
        return ["page.go_back()"]

    def _forward(self, _: Mapping[str, Any]) -> list[str]:
        return ["page.go_forward()"]

    def _reload(self, _: Mapping[str, Any]) -> list[str]:
        return ["page.reload()"]

    def _click(self, given: Mapping[str, Any]) -> list[str]:
        options = ["click_count=2"] * (given.get("twice") == "yes") + ['button="right"'] * (given.get("right") == "yes")
        return [f"thing(page, {self._text(given['target'])}).click({', '.join(options)})"]

    def _hover(self, given: Mapping[str, Any]) -> list[str]:
        return [f"thing(page, {self._text(given['target'])}).hover()"]

    def _type(self, given: Mapping[str, Any]) -> list[str]:
        return [f"page.keyboard.type({self._text(given['text'])})"]

    def _press(self, given: Mapping[str, Any]) -> list[str]:
        return [f"page.keyboard.press({self._text(given['key'])})"]

    def _fill(self, given: Mapping[str, Any]) -> list[str]:
        return [f"{self._field(given['field'])}.fill({self._text(given['text'])})"]

    def _select(self, given: Mapping[str, Any]) -> list[str]:
        options = ", ".join(self._text(each) for each in given.get("options", []))
        return [f"{self._field(given['field'])}.select_option([{options}])"]

    def _check(self, given: Mapping[str, Any]) -> list[str]:
        return [f"{self._field(given['target'])}.set_checked({given.get('off') != 'yes'})"]

    def _drag(self, given: Mapping[str, Any]) -> list[str]:
        onto = f"thing(page, {self._text(given['onto'])})"
        return [f"thing(page, {self._text(given['target'])}).drag_to({onto})"]

    def _scroll(self, given: Mapping[str, Any]) -> list[str]:
        where = given.get("where", "down")
        by = {"down": "innerHeight * 0.9", "up": "-innerHeight * 0.9"}.get(where, where)
        if by != where or where.lstrip("-").isdigit():
            return [f"page.evaluate({_in_quotes(f'scrollBy(0, {by})')})"]
        if where in ("top", "bottom"):
            to = "0" if where == "top" else "document.documentElement.scrollHeight"
            return [f"page.evaluate({_in_quotes(f'scrollTo(0, {to})')})"]
        return [f"thing(page, {self._text(where)}).scroll_into_view_if_needed()"]

    def _viewport(self, given: Mapping[str, Any]) -> list[str]:
        width, height = given.get("width", "1280"), given.get("height", "800")
        return [f'page.set_viewport_size({{"width": int({self._text(width)}), "height": int({self._text(height)})}})']

    def _dialogs(self, given: Mapping[str, Any]) -> list[str]:
        if "answer" not in given:
            return []
        words = f"({self._text(given['words'])})" if given.get("words") else "()"
        answer = f"accept{words}" if given["answer"] == "accept" else "dismiss()"
        return [f'page.on("dialog", lambda dialog: dialog.{answer})']

    def _eval(self, given: Mapping[str, Any]) -> list[str]:
        return [f"page.evaluate({self._text(given['script'])})"]

    def _wait(self, given: Mapping[str, Any]) -> list[str]:
        what, value = given["what"], given.get("value", "")
        if what == "idle":
            return ['page.wait_for_load_state("networkidle")']
        if what == "time":
            return [f"page.wait_for_timeout(float({self._text(value.removesuffix('s'))}) * 1000)"]
        return self._until(what, value, is_absent=False, seconds=given.get("seconds", "20"))

    def _expect(self, given: Mapping[str, Any]) -> list[str]:
        what, value, is_absent = expectation(given["that"])
        return self._until(what, value, is_absent=is_absent, seconds=given.get("seconds", "10"))

    def _until(self, what: str, value: str, *, is_absent: bool, seconds: str) -> list[str]:
        text, word = self._text(value), "not in" if is_absent else "in"
        told = self._text(f"{'no ' if is_absent else ''}{what} {value}")
        is_so = {
            "url": f"{text} {word} page.url",
            "title": f"{text} {word} page.title()",
        }.get(what, f"{'not ' if is_absent else ''}is_seen(page, {_in_quotes(what)}, {text})")
        return [f"wait_until(page, lambda: {is_so}, {told}, {float(seconds):g})"]

    def _field(self, words: Any) -> str:
        return f"thing(page, {self._text(words)}, fields=True)"


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # which Python reads as the same


def _in_f_string(text: str) -> str:
    return (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("{", "{{")
        .replace("}", "}}")
    )


def _names(steps: Iterable[Step]) -> list[str]:
    """Name all that is put into steps."""
    found: list[str] = []
    for step in steps:
        if isinstance(step, Each):
            found += _names(step.steps)
        else:
            texts = [
                each for value in step.arguments.values() for each in (value if isinstance(value, list) else [value])
            ]
            found += [place[2].lower() for text in texts for place in TEXT.finditer(str(text)) if place[2]]
    return found
