"""Write a tree down again, in one canonical form that parses to the same tree."""

from terminal.language.tree import (
    Block,
    Chain,
    Command,
    HereDocument,
    Part,
    Pipeline,
    Raw,
    Redirection,
    Script,
    Substitution,
    Text,
    Variable,
    Word,
)

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=")


def quoted(text: str) -> str:
    """Write a text as one word that means exactly it: in quotes only where it must be."""
    plain = bool(text) and all(char in _PLAIN or (char.isalnum() and not char.isascii()) for char in text)
    return text if plain and "=" not in text else _single(text)


def unparse(script: Script) -> str:
    """Write a script down; `parse` gives an equal one back."""
    return _script(script)


def _script(script: Script) -> str:
    lines: list[str] = []
    for chain in script.chains:
        documents: list[HereDocument] = []
        line = _chain(chain, documents)
        written = [_document(number, document) for number, document in enumerate(documents)]
        for number, (delimiter, _, is_literal) in enumerate(written):
            line = line.replace(_mark(number), f"<<'{delimiter}'" if is_literal else f"<<{delimiter}")
        lines.append(line + " &" * chain.background)
        lines += [body + delimiter for delimiter, body, _ in written]
    return "\n".join(lines)


def _mark(number: int) -> str:
    # NUL can be in no text that was parsed.
    return f"\0{number}\0"


def _document(number: int, document: HereDocument) -> tuple[str, str, bool]:
    """Give the delimiter, the lines, and whether they are taken as they are."""
    is_literal = all(isinstance(part, Text) for part in document.body.parts)
    if is_literal:
        body = "".join(part.text for part in document.body.parts if isinstance(part, Text))
    else:
        body = "".join(
            part.text.replace("\\", "\\\\").replace("$", "\\$") if isinstance(part, Text) else _bare(part)
            for part in document.body.parts
        )
    delimiter = "EOF"
    lines = set(body.split("\n"))
    while delimiter in lines:
        number += 1
        delimiter = f"EOF{number}"
    return delimiter, body, is_literal


def _chain(chain: Chain, documents: list[HereDocument]) -> str:
    text = _pipeline(chain.pipelines[0], documents)
    for operator, pipeline in zip(chain.operators, chain.pipelines[1:], strict=True):
        text += f" {operator} {_pipeline(pipeline, documents)}"
    return text


def _pipeline(pipeline: Pipeline, documents: list[HereDocument]) -> str:
    return " | ".join(_command(command, documents) for command in pipeline.commands)


def _command(command: Command, documents: list[HereDocument]) -> str:
    texts = [f"{each.name}={_word(each.value, may_be_empty=True)}" for each in command.assignments]
    # Redirections come first: behind the rest of a line they would be part of it.
    for each in command.redirections:
        if isinstance(each, Redirection):
            texts.append(f"{each.operator} {_word(each.target)}")
        else:
            texts.append(_mark(len(documents)))
            documents.append(each)
    texts += [_word(word) for word in command.words]
    return " ".join(texts)


def _word(word: Word, *, may_be_empty: bool = False) -> str:
    text = "".join(_part(part) for part in word.parts)
    return text if text or may_be_empty else "''"


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return _single(part.text) if part.quoted else part.text
    if isinstance(part, Raw):
        return part.text
    if isinstance(part, Block):
        return "{\n" + _script(part.script) + "\n}"
    return f'"{_bare(part)}"' if part.quoted else _bare(part)


def _bare(part: Part) -> str:
    if isinstance(part, Variable):
        return "${" + part.name + "}"
    assert isinstance(part, Substitution)
    return "$(" + _script(part.script) + "\n)"


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
