"""What the browsers of teams use, counted by their host and written down for all processes to see.

A host that is killed has not written down what its browsers used in the last seconds; nothing is counted twice.
"""

import asyncio
import logging
import time
from collections import Counter
from typing import Any, Final

import psycopg

from browsers.roster import Sessions
from objects.engine import running
from objects.work.leases import leases
from objects.work.records import NOW
from teams import clock
from teams.limits import Limits
from teams.plans import AWAKE_SILENT_S, Browsing, browsing

log = logging.getLogger("grove.browser")

WRITE_S: Final = 10.0  # between two times that all is written down
LARGEST: Final = (1 << 63) - 1

_COUNT: Final = f"""
INSERT INTO public.teams_browserday AS d (schema, day, awake_s, downloaded_bytes)
SELECT used.schema, ({NOW} AT TIME ZONE 'UTC')::date, used.awake_s, used.downloaded_bytes
FROM unnest(%(schemas)s::text[], %(awake)s::float8[], %(downloaded)s::bigint[])
  AS used(schema, awake_s, downloaded_bytes)
ON CONFLICT (schema, day) DO UPDATE SET awake_s = d.awake_s + excluded.awake_s,
  downloaded_bytes = d.downloaded_bytes + excluded.downloaded_bytes
"""  # noqa: S608 -- of constants
_AWAKE: Final = """
INSERT INTO public.teams_awakebrowser AS a (schema, object_id, holder, used_bytes, seen_at)
SELECT said.schema, said.object_id, %(holder)s, said.used_bytes, now()
FROM unnest(%(schemas)s::text[], %(ids)s::bigint[], %(used)s::bigint[]) AS said(schema, object_id, used_bytes)
ON CONFLICT (schema, object_id) DO UPDATE
  SET holder = excluded.holder, used_bytes = excluded.used_bytes, seen_at = excluded.seen_at
"""
_ASLEEP: Final = """
DELETE FROM public.teams_awakebrowser a WHERE seen_at < now() - make_interval(secs => %(silent_s)s)
OR (holder = %(holder)s AND NOT EXISTS (
  SELECT FROM unnest(%(schemas)s::text[], %(ids)s::bigint[]) AS said(schema, object_id)
  WHERE said.schema = a.schema AND said.object_id = a.object_id))
"""


class Usage:
    """Of one host. All of it is for the host's loop, but what it asks Postgres, which a thread does."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits
        self._counted_at = time.monotonic()
        self._written_at = 0.0
        self._seconds: dict[str, float] = {}
        self._downloaded: Counter[str] = Counter()
        self._said: set[tuple[str, int]] = set()
        self.teams: dict[str, Browsing] = {}  # of those that have browsers awake, as Postgres told last

    def downloaded(self, schema: str, size_bytes: int) -> None:
        """Count a download."""
        self._downloaded[schema] += size_bytes

    def team_bytes(self, schema: str) -> int:
        """Give the memory that a team's pages may use; without a bound until it is known."""
        known = self.teams.get(schema)
        return LARGEST if known is None else known.memory_bytes

    def count(self) -> None:
        """Count the time since the last time for all that are awake now."""
        now = time.monotonic()
        passed_s, self._counted_at = now - self._counted_at, now
        for session in self._sessions.awake():
            self._seconds[session.schema] = self._seconds.get(session.schema, 0.0) + passed_s

    async def write(self, used: dict[tuple[str, int], int], *, ends: bool = False) -> None:
        """Write it down where it is time to, or other browsers are awake. used: memory of those that are awake."""
        now = time.monotonic()
        if now - self._written_at < WRITE_S and used.keys() == self._said and not ends:
            return
        self._written_at, self._said = now, set(used)
        seconds, self._seconds = self._seconds, {}
        downloaded, self._downloaded = self._downloaded, Counter()
        try:
            self.teams = await asyncio.to_thread(self._write, seconds, downloaded, used)
        except psycopg.Error as error:
            log.warning("what browsers use was not written down: %s", error)
            self._downloaded += downloaded
            for schema, spent_s in seconds.items():
                self._seconds[schema] = self._seconds.get(schema, 0.0) + spent_s

    def _write(
        self, seconds: dict[str, float], downloaded: Counter[str], used: dict[tuple[str, int], int]
    ) -> dict[str, Browsing]:
        schemas = sorted(seconds.keys() | downloaded.keys())
        spent: dict[str, Any] = {
            "schemas": schemas, "awake": [seconds.get(each, 0.0) for each in schemas],
            "downloaded": [downloaded[each] for each in schemas], "moved_s": clock.moved_s(),
        }  # fmt: skip
        said: dict[str, Any] = {
            "schemas": [schema for schema, _ in used], "ids": [object_id for _, object_id in used],
            "used": list(used.values()), "holder": leases.holder(), "silent_s": AWAKE_SILENT_S,
        }  # fmt: skip
        with psycopg.connect(running.conninfo(), connect_timeout=3, tcp_user_timeout=10_000) as connection:
            connection.execute(_COUNT, spent)
            connection.execute(_AWAKE, said)
            connection.execute(_ASLEEP, said)
            return {schema: browsing(connection, schema, self._limits) for schema in {each for each, _ in used}}
