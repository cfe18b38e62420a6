"""Rights follow an object that moves. SQL inside the transaction that moves it, so both happen or none."""

from typing import Any

import psycopg

GRANTS = """
with moved as (
    delete from public.teams_grant g using public.teams_team t
    where t.id = g.team_id and t.schema_name = %(schema)s and (g.path = %(old)s or starts_with(g.path, %(old)s || '/'))
    returning g.*
)
insert into public.teams_grant as there (team_id, person_id, path, role, given_by_id, given_at)
select team_id, person_id, %(new)s || substr(path, length(%(old)s) + 1), role, given_by_id, given_at from moved
on conflict (team_id, person_id, path) do update set role = least(there.role, excluded.role)
"""
TOKENS = """
update public.teams_token k set paths = array(
    select case when p = %(old)s or starts_with(p, %(old)s || '/')
        then %(new)s || substr(p, length(%(old)s) + 1) else p end
    from unnest(k.paths) p
)
from public.teams_team t
where t.id = k.team_id and t.schema_name = %(schema)s
    and exists (select from unnest(k.paths) p where p = %(old)s or starts_with(p, %(old)s || '/'))
"""

COPIED = """
insert into public.teams_grant as there (team_id, person_id, path, role, given_by_id, given_at)
select g.team_id, g.person_id, %(new)s || substr(g.path, length(%(old)s) + 1), g.role, g.given_by_id, g.given_at
from public.teams_grant g join public.teams_team t on t.id = g.team_id
where t.schema_name = %(schema)s and (g.path = %(old)s or starts_with(g.path, %(old)s || '/'))
on conflict (team_id, person_id, path) do update set role = least(there.role, excluded.role)
"""


def follow(connection: psycopg.Connection[Any], schema: str, old_path: str, new_path: str) -> None:
    """Move the grants and the tokens' paths at and below a path along with its object.

    Without it a denied subtree would be open at its new place. Where somebody has a grant at the new place already,
    the lower role stays. Counts for each process when what it keeps of a caller is over (`GROVE.CALLER_KEEP_S`).
    """
    names = {"schema": schema, "old": old_path, "new": new_path}
    connection.execute(GRANTS, names)
    connection.execute(TOKENS, names)


def hold_there_too(connection: psycopg.Connection[Any], schema: str, old_path: str, new_path: str) -> None:
    """Have the grants at and below a path hold at another one, too: what was deleted comes back there.

    They stay at the old path, where there may be something else by now. Tokens are not widened.
    """
    connection.execute(COPIED, {"schema": schema, "old": old_path, "new": new_path})
