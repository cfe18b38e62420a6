"""A terminal line becomes a command and its arguments; what cannot be read is told with its column."""

import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from objects.commands.words import Word, parse_line, quote, split, written
from objects.sdk import BadRequest, NoSuch, Problem, WrongArgument
from tests.commands.bench import Point, commands
from tests.fair import fair


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  take   5 ", ["take", "5"]),
        ("a 'b c' d", ["a", "b c", "d"]),
        ('a "b \\"c\\" \\n"', ["a", 'b "c" \\n']),
        ("a\\ b", ["a b"]),
        ("''", [""]),
        ("a'b'\"c\"", ["abc"]),
        ('set x {"a": [1, 2]} y', ["set", "x", '{"a": [1, 2]}', "y"]),
        ('{"a": 1}x', ["{a:", "1}x"]),
        ("a\t\u00a0b", ["a", "b"]),
    ],
)
def test_a_line_is_parted_like_in_a_shell(line, words):
    assert [word.text for word in split(line)] == words


def test_a_word_knows_where_it_stands():
    assert split(" a 'b'") == [Word("a", 1, 2), Word("b", 3, 6, quoted=True)]


@settings(deadline=None)
@given(st.lists(st.text()))
@example(["", "'", "\\", "{", '[1, "a b"]', "--", "-1"])
def test_quoted_words_come_back(words):
    assert [word.text for word in split(" ".join(map(quote, words)))] == words


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("take", "take", {}),
        ("take 5", "take", {"tokens": 5}),
        ("take --tokens 5", "take", {"tokens": 5}),
        ("take --tokens=5", "take", {"tokens": 5}),
        ("tell a b c --loudly", "tell", {"first": "a", "others": ["b", "c"], "loudly": True}),
        ("tell --no-loudly a", "tell", {"first": "a", "loudly": False}),
        ("tell --loudly=no a", "tell", {"first": "a", "loudly": False}),
        ("tell -- --a -- b", "tell", {"first": "--a", "others": ["--", "b"]}),
        ("tell '--a'", "tell", {"first": "--a"}),
        ("tell b --first a", "tell", {"first": "a", "others": ["b"]}),
        ("tell a --others b --others c", "tell", {"first": "a", "others": ["b", "c"]}),
        ("everything --count -5 --by-name a=1", "everything", {"count": -5, "by_name": {"a": 1.0}}),
        ("everything --numbers 1 --numbers 2", "everything", {"numbers": [1, 2]}),
        ('everything --point {"x": 1}', "everything", {"point": Point(1)}),
        ("from a", "from", {"class": "a"}),
        ("sql tables", "sql.tables", {}),
        ("sql.tables", "sql.tables", {}),
        ("sql select * from t where x > 'a  b' -- done", "sql",
         {"query": "select * from t where x > 'a  b' -- done"}),
        ("sql --limit 5 select '--x'", "sql", {"limit": 5, "query": "select '--x'"}),
        ("sql 'select 1'", "sql", {"query": "select 1"}),
        ("sql 'tables'", "sql", {"query": "tables"}),
    ],
)  # fmt: skip
def test_a_line_gives_a_command_and_its_arguments(line, name, arguments):
    spec, checked = parse_line(commands, line)

    assert (spec.name, checked) == (name, arguments)


@pytest.mark.parametrize(
    ("line", "kind", "detail", "column"),
    [
        ("  ", BadRequest, "the line is empty. `help` lists the commands.", 1),
        ("take 'x", BadRequest, "column 6: the quote ' is not closed.", 6),
        ("take \\", BadRequest, "the line ends with a backslash: it needs a character after it.", 6),
        (" tke 5", NoSuch, "no command 'tke'. Did you mean 'take'? `help` lists them.", 2),
        ("'take'", NoSuch, "no command 'take'. Did you mean 'take'? `help` lists them.", 1),
        ("take 5 6", BadRequest, "take: '6' is one word too many. Usage: take [tokens=1]", 8),
        ("take 30", WrongArgument, "30 is more than 20", 6),
        ("take five", WrongArgument, "'five' is not a whole number", 6),
        ("take --tokens", WrongArgument, "--tokens needs a value: a whole number, at least 1, at most 20.", 6),
        ("take --tokens 1 --tokens 2", WrongArgument, "--tokens is given twice.", 17),
        ("take --tokes 1", WrongArgument,
         "no flag '--tokes'. Did you mean '--tokens'? Flags: --tokens. Put -- before words that begin so.", 6),
        ("left --x", WrongArgument, "no flag '--x'. left takes none. Put -- before words that begin so.", 6),
        ("take --no-tokens", WrongArgument, "--no-tokens: only yes and no can be turned off so.", 6),
        ("tell", WrongArgument, "is needed: text.", 5),
        ("sql --query x", WrongArgument, "--query: write the rest of the line without a flag.", 5),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_column(line, kind, detail, column):
    with pytest.raises(Problem) as refusal:
        parse_line(commands, line)

    assert (type(refusal.value), refusal.value.detail, refusal.value.extra["column"]) == (kind, detail, column)


def test_a_facility_without_a_command_lists_what_it_has():
    only = {name: spec for name, spec in commands.items() if name == "sql.tables"}

    with pytest.raises(NoSuch) as refusal:
        parse_line(only, "sql")

    assert refusal.value.detail == "sql: what of it? sql has: tables."


@settings(deadline=None)
@given(st.text(max_size=60))
@example("take --tokens=")
@example('everything --value {"a":')
@example("[" * 10_000)
def test_any_line_is_read_or_refused(line):
    for start in ("", "take ", "everything --value ", "sql "):
        with suppress(BadRequest, NoSuch, WrongArgument):
            parse_line(commands, start + line)


WRITTEN = [
    ("take", {"tokens": 3}), ("everything", {"value": {"a": [1, "b c"]}}), ("sql", {"query": "select '--a' from b"}),
    ("sql", {"query": "--comment\nselect 1"}), ("sql", {"query": ' "quoted" '}), ("sql", {"query": "it's \\"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), WRITTEN)
def test_a_call_is_written_as_the_line_that_is_read_as_the_same(name, arguments):
    assert parse_line(commands, written(commands[name], arguments)) == (commands[name], arguments)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60))
def test_any_text_is_written_so_that_it_is_read_as_the_same(text):
    assert parse_line(commands, written(commands["sql"], {"query": text}))[1] == {"query": text}


def test_members_of_an_object_are_given_one_by_one():
    line = "everything --by_name a=1 --by_name b=2"

    assert parse_line(commands, line)[1] == {"by_name": {"a": 1, "b": 2}}


def test_a_line_of_broken_json_is_parted_in_no_time():
    started = time.perf_counter()

    words = split("[ " * 250_000)

    assert len(words) == 250_000
    assert time.perf_counter() - started < fair(10)  # it took 26 s when each word was tried to the end


def test_a_line_too_long_is_refused():
    with pytest.raises(BadRequest) as refusal:
        split("x" * 1_000_001)

    assert refusal.value.detail == "the line has 1,000,001 characters; at most 1,000,000 are read. Send a file."
