"""Which scripts an operator approved: the text that they read, and no other, may be run. Inside the object."""

import ast
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

import orjson

from objects.commands.suggest import did_you_mean
from teams.problems import Conflict, NoSuch, WrongArgument
from teams.seals import is_sealed, seal

SETTING: Final = "BROWSER_SCRIPTS"
TEXT_BYTES: Final = 200_000
PARAMETERS: Final = 2  # page, arguments

_AUDIT: Final = """
INSERT INTO public.teams_auditline (team_id, slug, at, who, what, details)
SELECT t.id, t.slug, %s, %s, %s, %s::jsonb FROM public.teams_team t WHERE t.schema_name = %s
"""

State = Literal["approved", "changed", "missing", "foreign"]


@dataclass(frozen=True, slots=True)
class Approval:
    """That somebody approved a script. digest: of its text."""

    name: str
    digest: str
    at: float
    by: str

    def sealed(self, identity: str) -> str:
        """Give the seal by which it is known that Grove wrote this, of this very object."""
        return seal("script", identity, self.name, self.digest, str(self.at), self.by)

    def is_sealed(self, given: str, identity: str) -> bool:
        """Whether Grove wrote it, for this object; else it came with a file from elsewhere, or a copy."""
        return is_sealed(given, "script", identity, self.name, self.digest, str(self.at), self.by)

    @classmethod
    def of(cls, context: Any, name: str, text: bytes) -> Self:
        """Approve a text now."""
        return cls(name, digest_of(text), context.now, context.caller.name)


def digest_of(text: bytes) -> str:
    """Give what a text is known by."""
    return hashlib.sha256(text).hexdigest()


def all_of(context: Any) -> list[tuple[Approval, State]]:
    """Give all approvals, and whether each still counts."""
    db = context.db
    if not db.has("_script"):
        return []
    rows = db.run("SELECT name, digest, approved_at, by, seal FROM _script ORDER BY name")
    return [(approval, _state(context, approval, given)) for *row, given in rows for approval in [Approval(*row)]]


def _state(context: Any, approval: Approval, given: str) -> State:
    if not approval.is_sealed(given, context.identity):
        return "foreign"
    try:
        text = text_of(context, approval.name)
    except (NoSuch, WrongArgument):
        return "missing"
    return "approved" if digest_of(text) == approval.digest else "changed"


def approve(context: Any, name: str) -> Approval:
    """Let the text that a file has now be run. Raises NoSuch, WrongArgument for what is no script."""
    text = text_of(context, name)
    check(name, text)
    approval = Approval.of(context, name, text)
    context.db.need("_script")
    row = (approval.name, approval.digest, approval.at, approval.by, approval.sealed(context.identity))
    context.db.run("INSERT OR REPLACE INTO _script VALUES (?, ?, ?, ?, ?)", row)
    write_down(context, "approve_script", approval)
    return approval


def withdraw(context: Any, name: str) -> None:
    """Let it not be run any more; raises NoSuch."""
    names = [approval.name for approval, _ in all_of(context)]
    if name not in names:
        raise NoSuch(f"{name}: is not approved.{did_you_mean(name, names)}", field="name")
    context.db.run("DELETE FROM _script WHERE name = ?", (name,))


def begun(context: Any, name: str) -> str:
    """Give the text of a script that is begun now, and write down who does. Raises where it may not be run."""
    found = next(((each, state) for each, state in all_of(context) if each.name == name), None)
    if found is None:
        text_of(context, name)
        raise Conflict(f"{name}: is not approved. Read it, then `browser approve {name}`.")
    approval, state = found
    if state == "foreign":
        raise Conflict(f"{name}: its approval came with a copy or a file from elsewhere. Read it and approve it anew.")
    if state == "changed":
        raise Conflict(
            f"{name}: was changed since {approval.by} approved it. Read it, then `browser approve {name}` anew."
        )
    text = text_of(context, name)
    write_down(context, "run_script", approval)
    return text.decode()


def text_of(context: Any, name: str) -> bytes:
    """Read a script from the files; raises NoSuch, WrongArgument."""
    download = context.facility("files").get(name)
    if (download.size or 0) > TEXT_BYTES:
        raise WrongArgument("name", f"{name}: {download.size:,} bytes; a script has at most {TEXT_BYTES:,}.")
    return b"".join(download.chunks())


def check(name: str, text: bytes) -> None:
    """Refuse what is no script."""
    try:
        tree = ast.parse(text.decode(), name)
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        why = error.msg if isinstance(error, SyntaxError) else "is no text in UTF-8"
        raise WrongArgument("name", f"{name}{where}: {why}. A script is Python.") from error
    for each in tree.body:
        if isinstance(each, ast.AsyncFunctionDef) and each.name == "run" and len(each.args.args) == PARAMETERS:
            return
    raise WrongArgument("name", f"{name}: has no `async def run(page, arguments):` to begin with. Write one.")


def write_down(context: Any, what: str, approval: Approval) -> None:
    """Add a line to the team's audit, in this call's transaction."""
    details = {"name": approval.name, "path": context.path, "sha256": approval.digest, "approved_by": approval.by}
    at = datetime.fromtimestamp(context.now, UTC)
    pg = context.pg
    pg.connection.execute(_AUDIT, (at, context.caller.name, what, orjson.dumps(details).decode(), pg.schema))
