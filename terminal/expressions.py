"""Conditions: `kind == counter and size > 1MB`, as `where` and `test` read them.

A bare word on the left of a comparison is a field, on the right a text; `.name` is a field anywhere, `$x` a variable,
`it` the item itself. Numbers may have a unit of size (1MB, 2GiB) or time (5m, 1h30m).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import re2  # type: ignore[import-untyped]

from objects.commands.shapes import parsed, shape_of
from objects.commands.types import Loaded, Seconds, Size
from teams.problems import BadRequest
from terminal.values import as_number, field_of, sort_key, text_of

Test = Callable[[Any], Any]

DEEPEST = 50  # parentheses and "not" inside each other
_TOKENS = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
      |(?P<sign>==|!=|<=|>=|=~|!~|\|\||&&|[=<>()!])
      |(?P<list>\[[^\]]*\])
      |(?P<variable>\$[A-Za-z_?@0-9][\w.]*|\$\{[^}]*\})
      |(?P<word>[^\s=<>()!"'|&]+))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "in", "contains", "starts", "ends")
_NAMED = {"true": True, "yes": True, "false": False, "no": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def condition(text: str, variable: Callable[[str], Any]) -> Test:
    """Make a test of a condition. variable: gives the value of a name. Raises BadRequest with `at`, from 0."""
    reader = _Reader(text, variable)
    test = reader.any_of()
    if (left := reader.peek()) is not None:
        reader.wrong(f"'{left.text[:40]}' has no place here. Join conditions with and, or.", left.at)
    return test


class _Reader:
    def __init__(self, text: str, variable: Callable[[str], Any]) -> None:
        self.text = text
        self.variable = variable
        self.tokens = self._tokens()
        self.next = 0
        self.depth = 0

    def _tokens(self) -> Sequence[_Token]:
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKENS.match(self.text, at)
            if match is None or match.lastgroup is None:
                start = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                self.wrong(f"'{self.text[start : start + 10]}' cannot be read. Put texts into quotes.", start)
            assert match is not None
            assert match.lastgroup is not None
            tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()
        if not tokens:
            self.wrong("a condition is missing, such as kind == counter and size > 1MB.", 0)
        return tokens

    def wrong(self, message: str, at: int) -> None:
        raise BadRequest(message, at=min(at, len(self.text)))

    def peek(self) -> _Token | None:
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def takes(self, *texts: str) -> bool:
        token = self.peek()
        if token is not None and token.kind in ("word", "sign") and token.text in texts:
            self.next += 1
            return True
        return False

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.takes("or", "||"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.takes("and", "&&"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def one(self) -> Test:
        self.depth += 1
        if self.depth > DEEPEST:
            self.wrong(f"more than {DEEPEST} parentheses are inside each other.", len(self.text))
        try:
            if self.takes("not", "!"):
                test = self.one()
                return lambda item: not test(item)
            if self.takes("("):
                test = self.any_of()
                if not self.takes(")"):
                    token = self.peek()
                    self.wrong("a ) is missing.", token.at if token else len(self.text))
                return test
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Test:
        left = self.operand(is_left=True)
        token = self.peek()
        negated = False
        if token is not None and token.text == "not" and self.next + 1 < len(self.tokens):
            following = self.tokens[self.next + 1].text
            if following in ("in", "contains"):
                self.next += 1
                negated, token = True, self.peek()
        if token is None or token.kind not in ("word", "sign") or token.text not in _COMPARISONS:
            return lambda item: bool(left(item))
        self.next += 1
        operator = token.text
        right_token = self.peek()
        right = self.operand(is_left=False)
        if operator in ("=~", "!~"):
            assert right_token is not None
            fits = pattern(str(text_of(right({}))), ignore_case=False, at=right_token.at)
            wanted = operator == "=~"
            return lambda item: (fits(text_of(left(item))) is not None) == wanted
        compare = _compare(operator)
        return lambda item: bool(compare(left(item), right(item))) != negated

    def operand(self, *, is_left: bool) -> Test:
        token = self.peek()
        if token is None or (token.kind == "sign"):
            self.wrong("a value is missing here.", token.at if token else len(self.text))
        assert token is not None
        self.next += 1
        text = token.text
        if token.kind == "string":
            value: Any = parsed(text, text[1:-1]) if text[0] == '"' else text[1:-1]
        elif token.kind == "list":
            value = parsed(text, None)
            if value is None:
                value = [literal(part.strip().strip("'\"")) for part in text[1:-1].split(",") if part.strip()]
        elif token.kind == "variable":
            value = self.variable(text[1:].strip("{}"))
        elif text.startswith(".") and len(text) > 1 and not text[1].isdigit():
            return _field(text[1:])
        elif is_left and as_number(text) is None and text not in _NAMED:
            return _field(text)
        else:
            value = literal(text)
        return lambda _: value


def _field(name: str) -> Test:
    if name == "it":
        return lambda item: item.get("it", item) if isinstance(item, dict) else item
    return lambda item: field_of(item, name)


_SECONDS, _SIZE = (cast("Loaded", shape_of(each)) for each in (Seconds, Size))
_WITH_UNIT = re.compile(r"[+-]?[0-9.]+[A-Za-z][A-Za-z0-9.]*")


def literal(text: str) -> Any:
    """Read a word as a value: a number, with a unit of size or time; true, false, null; else the text."""
    if text.lower() in _NAMED:
        return _NAMED[text.lower()]
    number = as_number(text)
    if number is not None:
        return number
    if _WITH_UNIT.fullmatch(text):
        for shape in (_SECONDS, _SIZE):
            try:
                return shape.load(text)
            except ValueError:
                continue
    return text


def pattern(text: str, *, ignore_case: bool, at: int = 0) -> Callable[[str], Any]:
    """Make a search of a regular expression, in time that grows with the text only. Raises BadRequest with `at`."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadRequest(f"'{text[:60]}' is no regular expression: {reason}.", at=at) from None
    search: Callable[[str], Any] = compiled.search
    return search


def _compare(operator: str) -> Callable[[Any, Any], bool]:
    return {
        "==": _equal, "=": _equal, "!=": lambda a, b: not _equal(a, b),
        "<": lambda a, b: _ordered(a, b) and sort_key(a) < sort_key(b),
        "<=": lambda a, b: _ordered(a, b) and sort_key(a) <= sort_key(b),
        ">": lambda a, b: _ordered(a, b) and sort_key(a) > sort_key(b),
        ">=": lambda a, b: _ordered(a, b) and sort_key(a) >= sort_key(b),
        "in": lambda a, b: _contains(b, a), "contains": _contains,
        "starts": lambda a, b: text_of(a).startswith(text_of(b)), "ends": lambda a, b: text_of(a).endswith(text_of(b)),
    }[operator]  # fmt: skip


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, str) or isinstance(other, str):
        number, second = as_number(one), as_number(other)
        return number is not None and number == second
    return bool(one == other)


def _ordered(one: Any, other: Any) -> bool:
    return sort_key(one)[0] == sort_key(other)[0] and one is not None


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, Mapping):
        return part in whole
    if isinstance(whole, list):
        return any(_equal(each, part) for each in whole)
    return isinstance(whole, str) and text_of(part) in whole
