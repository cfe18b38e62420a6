"""Conditions, as `where` and `test` read them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teams.problems import BadRequest
from terminal.expressions import condition
from tests.fair import fair

ITEM = {
    "name": "counter",
    "size": 2_000_000,
    "took": 90.0,
    "on": True,
    "tags": ["a", "b"],
    "owner": {"name": "ann"},
    "none": None,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("name == counter", True),
        ("name != 'counter'", False),
        ("size > 1MB and size < 2MiB", True),
        ("took >= 1m30s", True),
        ("on", True),
        ("on == yes", True),
        ("not on or none", False),
        ("owner.name == ann", True),
        (".name == .owner.name", False),
        ("tags contains a", True),
        ("name in [counter, timer]", True),
        ("name not in [counter, timer]", False),
        ("name =~ '^c.*r$'", True),
        ("name !~ x", True),
        ("name starts co and name ends er", True),
        ("(size < 5 or on) and not (name == x)", True),
        ("missing == null", True),
        ("missing > 3", False),
        ("size > $limit", True),
        ("name == 5", False),
    ],
)
def test_a_condition_holds_or_not(text, holds):
    assert bool(condition(text, {"limit": 5}.__getitem__)(ITEM)) is holds


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        ("", 0, "a condition is missing, such as kind == counter and size > 1MB."),
        ("a = = 2", 4, "a value is missing here."),
        ("a == 1 b", 7, "'b' has no place here. Join conditions with and, or."),
        ("(a", 2, "a ) is missing."),
        ("a =~ '('", 5, "'(' is no regular expression: missing ): (."),
        ("a == 'x", 5, "''x' cannot be read. Put texts into quotes."),
    ],
)
def test_a_refusal_tells_the_place(text, at, reason):
    with pytest.raises(BadRequest) as refused:
        condition(text, {}.__getitem__)

    assert (refused.value.detail, refused.value.extra) == (reason, {"at": at})


TOKENS = [
    "a",
    "==",
    "=",
    "<",
    ">",
    "=~",
    "and",
    "or",
    "not",
    "(",
    ")",
    "1MB",
    "5m",
    "'x'",
    '"',
    "[1]",
    "in",
    "contains",
    "!",
    ".",
    "$",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join) | st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_condition_or_refused_with_a_place_in_it(text):
    try:
        test = condition(text, {"": 1}.get)
    except BadRequest as problem:
        assert 0 <= problem.extra["at"] <= len(text)  # noqa: PT017 -- either will do
    else:
        test(ITEM)


def test_a_hostile_pattern_takes_no_time():
    started = time.monotonic()

    condition("name =~ '(a+)+$'", {}.get)({"name": "a" * 100_000 + "b"})

    assert time.monotonic() - started < fair(1)
