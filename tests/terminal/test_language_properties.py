"""What holds for every text: a tree or an error inside the text; a tree written down parses again; no text hangs."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from teams.problems import BadRequest
from terminal.language import Rest, Script, parse, spot, unparse
from tests.fair import fair

RULES = {
    "sql": Rest(), "sql query": Rest(switches=frozenset({"all"})), "sql tables": None, "where": Rest(), "say": Rest(1),
}  # fmt: skip
PIECES = [
    "ls", "sql", "query", "tables", "where", "say", "on", "each", "time", "watch", "2s", "--", "--all", "--n=1", "x=1",
    "a=", "$x", "${x.y}", "$?", "$(", ")", "{", "}", "{}", '{"a": 1}', "[1, 2]", "[a", "'", '"', "\\", "|", "||", "&",
    "&&", ";", "\n", ">", ">>", "<", "<<EOF", "<<'EOF'", "EOF", "\nEOF\n", "#", " ", "  ", "*", "**", "?", "@/a",
    "/a/b", "é", "日", "\t", "$", "(", "=", "\r",
]  # fmt: skip
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=24).map("".join), st.text(max_size=60),
                  st.lists(st.sampled_from(PIECES), max_size=16).map(" ".join))  # fmt: skip


def attempt(text: str) -> tuple[Script | None, BadRequest | None]:
    """Give the tree of a text, or what was wrong with it."""
    try:
        return parse(text, RULES), None
    except BadRequest as problem:
        return None, problem


@given(texts)
@settings(max_examples=1_500, deadline=None)
@example("cat <<EOF $(cat <<EOF\nb\nEOF\n)\na\nEOF\n")
@example("sql 'a' b")
@example("<0 sql $")
@example("cat <<EOF <<'EOF'\na\nEOF\n\nb\nEOF")
@example("<f sql 'x'")
def test_a_text_gives_a_tree_or_an_error_with_a_place_in_it(text):
    tree, problem = attempt(text)

    if problem is not None:
        assert 1 <= problem.extra["column"] <= len(text) + 1
        assert problem.detail
    else:
        assert parse(unparse(tree), RULES) == tree
        assert 0 <= tree.start <= tree.end <= len(text)


@given(texts, st.integers(0, 80))
@settings(max_examples=800, deadline=None)
def test_a_text_that_is_still_being_typed_always_gives_a_tree(text, position):
    tree = parse(text, RULES, tolerant=True)

    assert spot(tree, min(position, len(text))).role in (
        "command", "argument", "redirection", "assignment", "variable", "rest"
    )  # fmt: skip


@pytest.mark.parametrize(
    "piece", ["{", "$(", '"$(', "[[", "{ ", "a|", "'", "\\", "<<E\n", '{"a":', "x=", "(", "}", ") "]
)
def test_a_long_text_of_anything_is_read_in_a_second(piece):
    started = time.monotonic()

    attempt(piece * 10_000)
    parse(piece * 10_000, RULES, tolerant=True)

    assert time.monotonic() - started < fair(
        3
    )  # a hundredth of that for most; what grows faster than the text takes minutes
