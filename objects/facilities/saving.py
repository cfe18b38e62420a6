"""Queries under a name, kept in the object's table `_query`: they go with it where it goes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from objects.facilities.asking import Asking
from objects.facilities.querying import Answer, Params, answer_of
from objects.sdk import Help, Length, Moment, RestOfLine, command
from teams.problems import NoSuch, TooLarge

SAVED: Final = 500
QueryName = Annotated[str, Length(1, 100), Help("the name of the query")]


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query and when it was saved."""

    name: str
    query: str
    saved_at: Moment


class Saving(Asking):
    """Commands of the facility `sql` that keep queries."""

    @command(reads=True)
    def saved(self) -> list[SavedQuery]:
        """List the saved queries.

        > sql save tall select name from plant where height > 20
        name tall  query select name from plant where height > 20  saved_at 2026-05-17T09:30:00Z
        > sql saved
        name  query                                     saved_at
        tall  select name from plant where height > 20  2026-05-17T09:30:00Z
        """
        db = self.context.db
        rows = db.run("SELECT name, sql, saved_at FROM _query ORDER BY name") if db.has("_query") else []
        return [SavedQuery(name, sql, datetime.fromtimestamp(at, UTC)) for name, sql, at in rows]

    @command
    def save(self, name: QueryName, query: Annotated[RestOfLine, Length(1, 100_000), Help("SQL")]) -> SavedQuery:
        """Save a query under a name; one of the same name is replaced.

        > sql save all select * from plant
        name all  query select * from plant  saved_at 2026-05-17T09:30:00Z
        """
        db = self.context.db
        db.need("_query")
        db.run(
            "INSERT INTO _query (name, sql, saved_at) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (name) DO UPDATE SET sql = ?2, saved_at = ?3",
            (name, query, int(self.context.now)),
        )
        ((count,),) = db.run("SELECT count(*) FROM _query")
        if count > SAVED:
            raise TooLarge(
                f"An object keeps {SAVED} queries at most. Forget one first: `sql forget NAME`.", field="name"
            )
        return SavedQuery(name, query, datetime.fromtimestamp(int(self.context.now), UTC))

    @command
    def forget(self, name: QueryName) -> None:
        """Forget a saved query.

        > sql save all select * from plant
        name all  query select * from plant  saved_at 2026-05-17T09:30:00Z
        > sql forget all
        """
        self._saved(name)
        self.context.db.run("DELETE FROM _query WHERE name = ?", (name,))

    @command(reads=True)
    def run(self, name: QueryName, *, params: Params = None) -> Answer:
        """Ask a saved query for its rows; one that would change something is refused.

        > sql save answer select 6 * 7 as answer
        name answer  query select 6 * 7 as answer  saved_at 2026-05-17T09:30:00Z
        > sql run answer
        answer
            42
        """
        return answer_of(self.ask(self._saved(name), params, reads_only=True))

    def _saved(self, name: str) -> str:
        db = self.context.db
        found: list[tuple[str]] = db.run("SELECT sql FROM _query WHERE name = ?", (name,)) if db.has("_query") else []
        if not found:
            raise NoSuch(f"{name}: no query is saved under this name. `sql saved` lists them.", field="name")
        return found[0][0]
