"""Summaries: what an object is found and sorted by that its row does not say. Its last call, its errors, its state.

Worked out from the journal after the fact, so that a call pays nothing for it: `catch_up` takes the lines that came
since it last looked and writes one row an object. A page that searches catches up a little before it asks; a task does
it for all teams. Doing the same lines twice changes nothing, so a crash loses nothing.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final

from objects.commands.shapes import compact
from objects.engine.calls import Call, Outcome
from objects.engine.running import engine
from objects.tree.nodes import COUNTED, Pg, sql
from teams.access import Caller

STATE_CHARS: Final = 4_096
STATE_KEYS: Final = 200
ERROR_CHARS: Final = 400
# A number of the journal that is missing belongs to a commit under way, or to one that failed. A line's number is drawn
# by the very statement that commits it, so after this long nothing comes any more.
UNDER_WAY: Final = timedelta(seconds=30)

UNSEEN_IN_TRASH: Final = Outcome()

# Asked first: most of the time there is nothing to do, and this is one round trip instead of five.
UP_TO_DATE = """
select not exists (select from {s}.journal where id > (select line_id from {s}.summary_mark where id = 1))
    and not exists (select from {s}.summary where version < 0)
"""

LINES = """
select id, object_id, at, outcome <> 'ok' from {s}.journal where id > %(mark)s order by id limit %(most)s
"""

# Errors are counted again where one came: so a line that is read twice counts once.
WRITE = """
insert into {s}.summary as old (object_id, called_at, errors, failed_at, error, pages, version, state)
select o.id, came.at, coalesce(failed.errors, 0), failed.at, coalesce(failed.error, ''), o.pages,
    case when o.version = 0 then 0 else -1 end, ''
from unnest(%(ids)s::bigint[], %(ats)s::timestamptz[], %(failed)s::boolean[]) as came(id, at, has_failed)
join {s}.object o on o.id = came.id
left join lateral (
    select (select count(*) from (select from {s}.journal where object_id = o.id and outcome <> 'ok' limit %(counted)s)
        counted) as errors, at, left(outcome || ': ' || detail, %(chars)s) as error
    from {s}.journal where object_id = o.id and outcome <> 'ok' order by id desc limit 1
) failed on came.has_failed
on conflict (object_id) do update set called_at = greatest(old.called_at, excluded.called_at), pages = excluded.pages,
    errors = case when excluded.errors > 0 then excluded.errors else old.errors end,
    failed_at = coalesce(excluded.failed_at, old.failed_at),
    error = case when excluded.errors > 0 then excluded.error else old.error end,
    version = case when old.version = (select version from {s}.object where id = excluded.object_id) then old.version
        else -1 end
"""

UNSEEN = """
select o.id, o.path, o.version, o.trashed_at is null from {s}.summary s join {s}.object o on o.id = s.object_id
where s.version < 0 order by s.object_id limit %(most)s
"""

SET_STATE = """
update {s}.summary s set state = coalesce(lower(seen.state), s.state), version = seen.version
from unnest(%(ids)s::bigint[], %(versions)s::bigint[], %(states)s::text[]) as seen(id, version, state)
where s.object_id = seen.id
"""

# What the journal has forgotten is no error of the object any more.
FORGET = """
with counted as (select s.object_id, (select count(*) from (select from {s}.journal j
    where j.object_id = s.object_id and j.outcome <> 'ok' limit %(counted)s) each) as errors
    from {s}.summary s where s.errors > 0)
update {s}.summary s set errors = counted.errors, error = case when counted.errors = 0 then '' else s.error end,
    failed_at = case when counted.errors = 0 then null else s.failed_at end
from counted where counted.object_id = s.object_id and counted.errors <> s.errors
"""


def catch_up(
    connection: Pg, schema: str, *, lines: int = 5_000, states: int = 500, now: datetime | None = None
) -> bool:
    """Write what the next lines of the journal say, and the states that changed; gives whether there is more to do.

    connection: outside of a transaction. Somebody else who is at it is not waited for.
    """
    now = now or datetime.now(UTC)
    (is_up_to_date,) = connection.execute(sql(schema, UP_TO_DATE), prepare=False).fetchone() or (False,)
    if is_up_to_date:
        return False
    with connection.transaction():
        row = connection.execute(
            sql(schema, "select line_id from {s}.summary_mark where id = 1 for update skip locked"), prepare=False
        ).fetchone()
        if row is None:
            return True
        mark = row[0]
        came = connection.execute(sql(schema, LINES), {"mark": mark, "most": lines}).fetchall()
        settled = mark
        if came:
            _write(connection, schema, _by_object(came))
            settled = _settled(came, mark, now)
        if settled != mark:
            connection.execute(sql(schema, "update {s}.summary_mark set line_id = %s where id = 1"), (settled,))
        looked_at = _look_at_states(connection, schema, states)
    return (len(came) == lines and settled != mark) or 0 < looked_at == states


def _write(connection: Pg, schema: str, objects: Mapping[int, tuple[datetime, bool]]) -> None:
    connection.execute(
        sql(schema, WRITE),
        {
            "ids": list(objects),
            "ats": [at for at, _ in objects.values()],
            "failed": [has_failed for _, has_failed in objects.values()],
            "counted": COUNTED,
            "chars": ERROR_CHARS,
        },
    )


def _by_object(lines: Sequence[tuple[int, int, datetime, bool]]) -> Mapping[int, tuple[datetime, bool]]:
    """Give the latest moment of each object, and whether one of its calls failed."""
    objects: dict[int, tuple[datetime, bool]] = {}
    for _, object_id, at, has_failed in lines:
        before_at, before_failed = objects.get(object_id, (at, False))
        objects[object_id] = (max(before_at, at), before_failed or has_failed)
    return objects


def _settled(lines: Sequence[tuple[int, int, datetime, bool]], mark: int, now: datetime) -> int:
    """Give the line up to which nothing can come in between any more."""
    for number, _, at, _ in lines:
        if number != mark + 1 and at > now - UNDER_WAY:
            return mark
        mark = number
    return mark


def _look_at_states(connection: Pg, schema: str, most: int) -> int:
    """Read states that are to be looked at, as one who asks in the ordinary way; gives how many there were."""
    unseen = connection.execute(sql(schema, UNSEEN), {"most": most}).fetchall()
    if not unseen:
        return 0
    asked: list[Future[Outcome]] = []
    for _, path, _, is_live in unseen:
        reply: Future[Outcome] = Future()
        asked.append(reply)
        if not is_live:
            reply.set_result(UNSEEN_IN_TRASH)
            continue
        arguments = {"limit": STATE_KEYS}
        call = Call(schema, path, "state.list", arguments, Caller.system(schema), reply.set_result, via="worker")
        engine().submit(call)
    seen = [
        (object_id, version, _written(reply.result()))
        for (object_id, _, version, _), reply in zip(unseen, asked, strict=True)
    ]
    ids, versions, states = (list(column) for column in zip(*seen, strict=True))
    connection.execute(sql(schema, SET_STATE), {"ids": ids, "versions": versions, "states": states})
    return len(unseen)


def _written(outcome: Outcome) -> str | None:
    """Write a state as lines to be searched: `count=7`. None, as it was, for what is in the trash or moved since."""
    if outcome.value is None:
        return None
    text = "\n".join(f"{entry['key']}={compact(entry['value'])}" for entry in outcome.value["entries"])
    return text[:STATE_CHARS].replace("\0", "")


def forget(connection: Pg, schema: str) -> None:
    """Count errors again where the journal has forgotten some."""
    connection.execute(sql(schema, FORGET), {"counted": COUNTED})
