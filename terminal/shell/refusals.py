"""Refusals as people meet them: who refused, what was wrong, and the line with a mark under the word."""

from teams.problems import BadRequest, Problem, WrongArgument
from terminal.language import Command, words_of
from terminal.outcomes import Complaint
from terminal.rendering import Style, columns_of, cut_to, visible


def complaint_of(problem: Problem, command: Command, text: str) -> Complaint:
    """Find the word that a problem is about."""
    name = problem.extra.pop("name", command.name)
    column = problem.extra.get("column")
    if not isinstance(column, int) or column > len(text) + 1:
        return Complaint(problem, name)
    start = column - 1
    end = start + 1
    if isinstance(length := problem.extra.pop("length", None), int):
        return Complaint(problem, name, start, start + length)
    for word in words_of(command):
        if word.start <= start < max(word.end, word.start + 1):
            start, end = (
                (start, word.end) if isinstance(problem, BadRequest) and start > word.start else (word.start, word.end)
            )
            break
    return Complaint(problem, name, start, end)


def refusal(problem: Problem, name: str, text: str, start: int | None, end: int | None, style: Style) -> str:
    """Write a refusal for people: who refused, what was wrong, and the line with a mark under the word.

    start, end: the word in the text, from 0; None where there is none to point at.
    """
    detail = visible(problem.detail, lines=True)
    front = f"{visible(name)}: " if name and not detail.startswith((f"{name}:", f"{name} ")) else ""
    if (
        isinstance(problem, WrongArgument)
        and problem.field
        and not detail.startswith(f"{problem.field}:")
        and f"'--{problem.field}'" not in detail
        and len(problem.field) > 1
    ):
        front += f"{visible(problem.field)}: "
    lines = [style.paint(front + detail, "red")]
    lines += [
        f"  {visible(str(field_name))}: {visible(str(message))}"
        for field_name, message in (problem.extra.get("fields") or {}).items()
        if field_name != problem.field
    ]
    if start is not None and text.strip():
        start = min(start, len(text))
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", start)
        line = text[line_start : len(text) if line_end < 0 else line_end]
        at = start - line_start
        length = max(1, min((end or start + 1) - start, len(line) - at))
        if style.plain:
            lines.append(f"column {at + 1}: {visible(line[at : at + length])}")
        else:
            lines += _marked(line, at, length, style)
    return "\n".join(lines) + "\n"


def _marked(line: str, at: int, length: int, style: Style) -> list[str]:
    """Give the line, cut to what fits around the word, and the marks under it."""
    room = style.width - 4
    first = max(0, at - room // 2) if columns_of(visible(line)) > room else 0
    before, word = visible(line[first:at]), visible(line[at : at + length])
    after = visible(line[at + length : at + length + room])
    shown = cut_to(("…" if first else "") + before + word + after, room)
    marks = max(1, min(columns_of(word), room - columns_of(before) - bool(first)))
    return ["  " + shown, "  " + " " * (columns_of(before) + bool(first)) + style.paint("^" * marks, "red")]
