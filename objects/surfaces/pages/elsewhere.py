"""The same call as a form's, to be copied: a line of the terminal, a command of a shell, and Python."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from objects.commands.checks import Parameter
from objects.commands.shapes import MASK, BoolShape
from objects.commands.spec import CommandSpec
from objects.commands.words import quote


def curl(address: str, spec: CommandSpec, typed: Mapping[str, Any]) -> str:
    """Write the call for a shell. What is required and was not typed stands as its name in capitals."""
    values = _values(spec, typed)
    address += "?confirm=yes" if spec.verb == "dangerous" else ""
    if spec.uploads:  # the file is the body, and all else stands in the address
        values.pop(spec.uploads, None)
        query = f"?{urlencode({name: _word(each) for name, each in values.items()})}" if values else ""
        return (
            f"curl -X POST {_shell(address + query)} \\\n"
            '  -H "Authorization: Bearer $GROVE_TOKEN" -H "Content-Type: application/octet-stream" \\\n'
            "  --data-binary @FILE"
        )
    body = json.dumps(values, ensure_ascii=False)
    return (
        f"curl -X POST {_shell(address)} \\\n"
        '  -H "Authorization: Bearer $GROVE_TOKEN" -H "Content-Type: application/json" \\\n'
        f"  -d {_shell(body)}"
    )


def python(address: str, spec: CommandSpec, typed: Mapping[str, Any]) -> str:
    """Write the call in Python, with the library that most people have."""
    values = _values(spec, typed)
    params: dict[str, Any] = {"confirm": "yes"} if spec.verb == "dangerous" else {}
    if spec.uploads:
        values.pop(spec.uploads, None)
        params |= {name: _word(each) for name, each in values.items()}
        body = 'data=open("FILE", "rb"), headers=headers | {"Content-Type": "application/octet-stream"}'
    else:
        body = f"json={values!r}, headers=headers"
    lines = [
        "import os",
        "import requests",
        "",
        'headers = {"Authorization": f"Bearer {os.environ[\'GROVE_TOKEN\']}"}',
        f"answer = requests.post({address!r}, {f'params={params!r}, ' if params else ''}{body})",
        "answer.raise_for_status()",
        "print(answer.content)" if spec.downloads else 'print(answer.json()["value"])',
    ]
    return "\n".join(lines)


def _values(spec: CommandSpec, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments as JSON values. What is required and was not typed stands as its name in capitals."""
    values = {}
    for parameter in spec.parameters:
        if parameter.name in typed:
            values[parameter.name] = _plain(parameter, typed[parameter.name])
        elif parameter.required:
            values[parameter.name] = parameter.name.upper()
    return values


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(parameter: Parameter, text: Any) -> Any:
    if parameter.shape.masks:
        return MASK
    if isinstance(text, list):
        return [parameter.shape.from_text(each) if isinstance(each, str) else each for each in text]
    return parameter.shape.from_text(text) if isinstance(text, str) else text


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def terminal_line(spec: CommandSpec, typed: Mapping[str, Any]) -> str:
    """Write the call as a line of the terminal."""
    words = [spec.words]
    by_position = True
    for parameter in spec.parameters:
        given = typed.get(parameter.name)
        if given is None:
            if parameter.required:
                words.append(parameter.name.upper())
            by_position = by_position and parameter.required
            continue
        if parameter.shape.masks:
            given = MASK
        if isinstance(given, dict) or (isinstance(given, list) and not parameter.variadic):
            given = json.dumps(given, ensure_ascii=False)
        if isinstance(given, list):
            words += [quote(each) for each in given]
        elif isinstance(parameter.shape, BoolShape):
            words.append(f"--{parameter.name}" if given == "yes" else f"--no-{parameter.name}")
        elif parameter.rest and by_position and not parameter.flag:
            words.append(given)
        elif parameter.flag or not by_position:
            words.append(f"--{parameter.name} {quote(given)}")
        else:
            words.append(quote(given))
    return " ".join(words)
