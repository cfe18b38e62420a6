"""What a path is, and that there is one way to write it."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objects.tree.paths import ObjectPath, key
from teams.problems import WrongArgument

characters = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Cf", "Zl", "Zp", "Zs"), exclude_characters="/:")
names = (
    st.text(characters, min_size=1, max_size=30)
    .map(lambda name: normalize("NFC", name))
    .filter(lambda name: name.isprintable() and name not in (".", "..") and "/" not in name and ":" not in name)
)
paths = st.lists(names, max_size=10).map(lambda parts: "/" + "/".join(parts))


@given(paths)
def test_reading_a_path_twice_changes_nothing(text):
    path = ObjectPath.parse(text)

    assert ObjectPath.parse(path) == path == text


@given(paths)
def test_every_unicode_form_of_a_path_is_the_same_path(text):
    path = ObjectPath.parse(text)

    assert {ObjectPath.parse(normalize(form, text)) for form in ("NFC", "NFD")} == {path}
    assert key(ObjectPath.parse(normalize("NFD", text))) == key(path)


@given(paths)
def test_parent_and_name_make_the_path_again(text):
    path = ObjectPath.parse(text)

    assert path == "/" or path.parent.below + path.name == path
    assert [*path.ancestors()] == [
        ObjectPath.parse("/" + "/".join(path.names[:no])) for no in reversed(range(path.depth))
    ]


@given(paths, paths, paths)
def test_what_is_under_a_top_goes_with_it(top, rest, new):
    old, place = ObjectPath.parse(top), ObjectPath.parse(new)
    path = ObjectPath.parse(old.below + rest[1:])

    moved = path.rebased(old, place)

    assert path.is_under(old)
    assert moved.is_under(place)
    assert moved.rebased(place, old) == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no path given."),
        ("a", "'a' is not a path: a path begins with a slash."),
        ("//", "'//' has an empty name: two slashes in a row. Write one."),
        ("/a//b", "'/a//b' has an empty name: two slashes in a row. Write one."),
        ("/a/.", "'.' is not a name: it means a place seen from another one. Write the whole path."),
        ("/../a", "'..' is not a name: it means a place seen from another one. Write the whole path."),
        ("/a:b", "the name 'a:b' has a slash or a colon in it: these separate names and commands."),
        ("/a\nb", "the name 'a\\nb' has a character that cannot be printed, '\\n'. Leave it out."),
        ("/a\0", "the name 'a\\x00' has a character that cannot be printed, '\\x00'. Leave it out."),
        ("/\ud800", "the name '\\ud800' has a character that cannot be printed, '\\ud800'. Leave it out."),
        ("/" + "x" * 256, f"the name '{'x' * 39}…' has 256 bytes; 255 is the most."),
        ("/" + "é" * 128, f"the name '{'é' * 39}…' has 256 bytes; 255 is the most."),
        ("/x" * 65, "the path has 65 names; 64 is the most. Put it higher in the tree."),
        ("/" + "x" * 40_000, "the path is too long: 40,001 characters. 64 names of 255 bytes may be in one."),
    ],
)
def test_what_is_no_path_is_refused_with_the_reason(text, reason):
    with pytest.raises(WrongArgument) as refused:
        ObjectPath.parse(text)

    assert (refused.value.field, refused.value.detail) == ("path", reason)


@pytest.mark.parametrize(
    "text", ["/", "/a", "/ a ", "/...", "/.a", "/" + "x" * 255, "/" + "é" * 127, "/x" * 64, "/木/🌳", "/a%b/_\\"]
)
def test_every_other_printable_name_is_allowed(text):
    assert ObjectPath.parse(text) == text


def test_one_trailing_slash_is_forgiven():
    assert ObjectPath.parse("/a/b/") == "/a/b"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("x", "/a/b/x"),
        ("../x", "/a/x"),
        ("./x/./y", "/a/b/x/y"),
        ("..", "/a"),
        ("../../../..", "/"),
        ("/z", "/z"),
        ("", "/a/b"),
    ],
)
def test_a_relative_path_goes_on_from_here(typed, meant):
    assert ObjectPath.parse("/a/b").joined(typed) == meant


def test_a_name_that_merely_begins_alike_is_not_beneath():
    assert not ObjectPath.parse("/ab").is_under("/a")
