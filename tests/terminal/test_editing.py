"""Editing a text over the whole screen of a terminal: `edit` and `rc edit`, by somebody who types."""

import pytest


@pytest.fixture
def ann(sit_down, web, grove):
    """Sit down at an object of one's own, with the real shell."""
    return lambda **options: sit_down(grove.home, web=web, **options)


def begins(person, text):
    """Whether the last line that is shown begins so."""
    return person.line.startswith(text)


async def run(person, line, *answer):
    """Run a line and wait for its answer above a new prompt."""
    await person.type(f"{line}\r")
    await person.until(lambda: person.lines[-len(answer) - 1 : -1] == list(answer) and person.line.endswith(">"))


async def opened(person, line):
    await person.until(lambda: person.line.endswith(">"))
    await person.type(f"{line}\r")
    await person.until(lambda: "Ctrl-S save" in person.line)


async def test_a_file_is_made_saved_and_there_when_the_editor_is_left(ann):
    async with ann() as person:
        await opened(person, "edit notes.txt")
        await person.type("one\rtwo")
        await person.until(lambda: "changed" in person.lines[0])
        await person.type("\x13")
        await person.until(lambda: begins(person, " saved"))
        assert "changed" not in person.lines[0]
        await person.type("\x18")

        await person.until(lambda: person.line.endswith(">"))
        await run(person, "cat notes.txt", "one", "two")


async def test_the_screen_from_before_comes_back(ann):
    async with ann() as person:
        await person.until(lambda: person.line.endswith(">"))
        await run(person, "echo before", "before")
        await opened(person, "edit notes.txt")
        assert "before" not in person.lines

        await person.type("\x03")

        await person.until(lambda: person.line.endswith(">"))
        assert b"\x1b[?1049l" in person.raw  # pyte knows no second screen; terminals do


async def test_leaving_asks_what_becomes_of_changes(ann):
    async with ann() as person:
        await opened(person, "edit notes.txt")
        await person.type("draft\x18")
        await person.until(lambda: begins(person, " Save what you changed?"))
        await person.type("?")  # no answer
        await person.type("\x03")
        await person.until(lambda: "Ctrl-S save" in person.line)
        await person.type("\x18")
        await person.until(lambda: begins(person, " Save what you changed?"))
        await person.type("n")
        await person.until(lambda: person.lines[-2:-1] == ["Nothing was changed."])

        await opened(person, "edit notes.txt")
        await person.type("kept\x18")
        await person.until(lambda: begins(person, " Save what you changed?"))
        await person.type("y")
        await person.until(lambda: person.line.endswith(">"))
        await run(person, "cat notes.txt", "kept")


@pytest.fixture
def reading_only(team, token):
    """A token that changes nothing."""
    return token(team, verbs=["reads"])[1]


async def test_a_refused_save_says_why_and_keeps_the_text(ann, reading_only):
    async with ann(secret=reading_only, width=120) as person:
        await opened(person, "edit notes.txt")
        await person.type("precious\x13")

        await person.until(lambda: begins(person, " Not saved: "))
        assert "precious" in person.lines[2]
        await person.type("\x18n")
        await person.until(lambda: person.lines[-2:-1] == ["Nothing was changed."])


async def test_line_ends_stay_as_they_were(ann):
    async with ann() as person:
        await person.until(lambda: person.line.endswith(">"))
        await run(person, r"printf 'a\r\nb\r\n' > dos.txt")
        await opened(person, "edit dos.txt")
        assert person.lines[2:4] == [" 1 a", " 2 b"]
        await person.type("x\x13\x18")
        await person.until(lambda: person.line.endswith(">"))

        await run(person, r"printf 'xa\r\nb\r\n' > wanted.txt")
        await run(person, "a=$(cat dos.txt) && b=$(cat wanted.txt)")
        await run(person, "test $a == $b && echo same", "same")


async def test_undo_tab_and_find_have_their_keys(ann):
    async with ann() as person:
        await opened(person, "edit notes.txt")
        await person.type("\tneedle\rhay\x0b")
        indented = [" 1     needle", " 2     hay"]
        await person.until(lambda: person.lines[2:4] == indented)
        await person.type("\x17")
        await person.until(lambda: person.lines[2:4] == [" 1     needle", " 2"])
        await person.type("\x1a")
        await person.until(lambda: person.lines[2:4] == indented)
        await person.type("\x12need\r")
        await person.until(lambda: "line 1 of 2" in person.lines[0])
        await person.type("\x18n")


async def test_it_fits_another_size_of_the_terminal(ann):
    async with ann(width=60, height=10) as person:
        await opened(person, "edit notes.txt")
        await person.resize(40, 8)
        await person.until(lambda: len(person.lines) == 8 and "Ctrl-S save" in person.lines[7])
        await person.type("\x18")


async def test_what_a_job_says_comes_after_the_text(ann):
    async with ann() as person:
        await person.until(lambda: person.line.endswith(">"))
        await person.type("sleep 0.3 && echo told &\r")
        await person.until(lambda: person.line.endswith(">"))
        await opened(person, "edit notes.txt")
        await person.type("line\x18")
        await person.until(lambda: begins(person, " Save what you changed?"))
        assert "told" not in "\n".join(person.lines)
        await person.until(lambda: b"told" not in person.raw.partition(b"Ctrl-S")[2])
        await person.type("n")

        await person.until(lambda: "told" in person.lines)


async def test_the_startup_file_is_edited_alike(ann):
    async with ann() as person:
        await opened(person, "rc edit")
        assert person.lines[0].startswith(" ~/.groverc")
        await person.type("alias hi='echo hi'\x13\x18")
        await person.until(lambda: person.line.endswith(">"))
        await run(person, "rc show", "alias hi='echo hi'")
        await run(person, "rc write ''")


async def test_the_plain_mode_has_no_editor_and_says_what_to_do(ann):
    async with ann(plain=True, width=120) as person:
        await person.until(lambda: person.line.endswith(">"))
        await person.type("edit notes.txt\r")

        await person.until(
            lambda: any("Write it so: `edit notes.txt <<EOF`, the lines, EOF." in line for line in person.lines)
        )


@pytest.fixture
def raw_file(grove):
    """A file that is no text."""
    grove.outcome(grove.home, "files.put", name="raw.bin", content={"base64": "/wD/"}, check=True)


async def test_what_is_no_text_is_refused(ann, raw_file):
    async with ann(width=120) as person:
        await person.until(lambda: person.line.endswith(">"))
        await person.type("edit raw.bin\r")

        said = "this is no text, so it cannot be edited here."
        await person.until(lambda: any(said in line for line in person.lines))
