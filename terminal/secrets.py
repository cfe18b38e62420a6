"""Keeps secrets out of what is remembered: the words of a line that a command takes as secret are masked."""

from objects.commands.shapes import MASK
from teams.problems import Problem
from terminal import reading
from terminal.known import rule_of
from terminal.language import Word, commands_of, parse
from terminal.ports import World


async def masked(world: World, path: str, text: str) -> str:
    """Give a line that ran at an object with `•••` in place of its secrets.

    Where the object is gone, or is hidden now, nobody knows what was secret: then all but the first word is masked.
    """
    try:
        return await _masked(world, path, text)
    except Problem:
        first = text.split(maxsplit=1)[:1]
        return " ".join([*first, MASK])


async def _masked(world: World, path: str, text: str) -> str:
    here = await world.commands(path)
    rules = {spec.words: rule_of(spec) for spec in here.values()}
    spans: list[tuple[int, int]] = []
    for command in commands_of(parse(text, rules, tolerant=True)):
        head = reading.head_of(command.words, path)
        words = command.words[head.index :]
        commands = here if head.path in (None, path) else await world.commands(head.path or "/")
        spec, used = reading.spec_of(words, commands)
        if spec is None or not any(each.shape.masks for each in spec.parameters):
            continue
        arguments = words[used:]
        for index, word in enumerate(arguments):
            name, equals, _ = word.bare.partition("=")
            flag = reading.flag_of(spec, name[2:]) if name.startswith("--") else None
            if flag is not None:
                if flag.shape.masks and equals:
                    spans.append((word.start + len(name) + 1, word.end))
                continue
            if _is_mixed_flag(word):
                spans.append((word.start, word.end))
                continue
            parameter = reading.place_of(spec, arguments[:index]).parameter
            if parameter is not None and parameter.shape.masks:
                spans.append((word.start, word.end))
    for start, end in reversed(spans):
        text = text[:start] + MASK + text[end:]
    return text


def _is_mixed_flag(word: Word) -> bool:
    """Whether a word that is no plain text begins like a flag: `--token="$x"`. It may hold anything: all of it goes."""
    first = word.parts[0] if word.parts else None
    text = getattr(first, "text", "")
    return not word.bare and text.startswith("--") and "=" in text
