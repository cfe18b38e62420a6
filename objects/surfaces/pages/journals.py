"""Lines of an object's journal for its page."""

from typing import Final

from django.db.models.expressions import RawSQL

from objects.models import JournalLine
from objects.tree.paths import ObjectPath, key
from teams.access import Caller, Role, decide

LINES: Final = 20

OBJECT_ID = "select id from object where md5(path)::uuid = %s and path = %s and trashed_at is null"


def journal(caller: Caller, path: ObjectPath, *, before: int | None = None) -> list[JournalLine]:
    """Give one line a call, newest first, at most LINES. before: the id where the list before this one ended.

    The team's schema must be active (`teams.pages.team_page`). Raises NoSuch, as `decide` does.
    """
    decide(caller, caller.schema, path, command="journal", verb="reads", needs=Role.VIEWER)
    lines = JournalLine.objects.filter(object_id=RawSQL(OBJECT_ID, [key(path), str(path)])).order_by("-id")  # noqa: S611
    if before is not None:
        lines = lines.filter(id__lt=before)
    return list(lines[:LINES])
