"""What the address of a call names: a team, an object and perhaps a command.

`/api/v1/{team}/{path}:{command}`, with the path percent-encoded as UTF-8. Read from the raw path, since servers differ
in what they do to an encoded slash or to bytes that are no UTF-8 before they hand the decoded path over.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from objects.tree.paths import ObjectPath
from teams.problems import BadRequest, NoSuch

KEPT_BYTES = 512  # longer addresses are read anew each time: an attacker could fill the memory with them
TEAM = re.compile(r"[a-z0-9-]{1,63}")
NAME_SAFE = "!$&'()*+,;=@-._~/"  # what a path may hold as it is (RFC 3986), without the colon


@dataclass(frozen=True, slots=True)
class Address:
    """A team's slug, the path of an object in its canonical form, and a command where one is named."""

    team: str
    path: ObjectPath
    command: str | None


def read(scope: dict[str, Any], prefix: bytes) -> Address:
    """Read the address of a request or a socket, of which `prefix` was routed here.

    Raises BadRequest for what is no text, WrongArgument for what is no path, NoSuch for what can't be a team.
    """
    raw: bytes = scope.get("raw_path") or quote(scope["path"], safe=NAME_SAFE + ":").encode()
    rest = raw[raw.find(prefix) + len(prefix) :]
    return _kept(rest) if len(rest) <= KEPT_BYTES else _read(rest)


def written(prefix: str, team: str, path: str, command: str | None = None) -> str:
    """Write an address, percent-encoded."""
    return f"{prefix}{team}{quote(path, safe=NAME_SAFE)}" + (f":{command}" if command else "")


def _read(raw: bytes) -> Address:
    raw = raw.partition(b"?")[0]  # some servers leave the query in
    if b"%2f" in raw.lower():
        raise BadRequest("The address has an encoded slash (%2F). Names have no slash: write / between names.")
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The address is not UTF-8 at byte {error.start}. Percent-encode names as UTF-8.") from None
    team, _, rest = text.partition("/")
    if not TEAM.fullmatch(team):
        raise NoSuch(f"{team[:60]!r}: no such team.")
    path, colon, command = rest.rpartition(":")
    if not colon:
        return Address(team, ObjectPath.parse("/" + rest), None)
    if not command:
        raise BadRequest("The address ends in a colon. Write the command after it: …/path:state.get")
    return Address(team, ObjectPath.parse("/" + path), command)


_kept = lru_cache(maxsize=8192)(_read)
