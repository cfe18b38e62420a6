"""What the engine asks of Postgres it finds by keys, however little the statistics know: plans are kept for long."""

import re
from dataclasses import fields

import psycopg
import pytest

from objects.engine import running
from objects.engine.prepared import numbered
from objects.engine.statements import SESSION, Statements, statements

NAMES = sorted({field.name for field in fields(Statements)} - {"commit_all", "commit_new_all", "forget_redirects_all"})


def scans(plan):
    """Give the parts of a plan that read a table."""
    here = [plan] if "Relation Name" in plan and plan["Node Type"] != "ModifyTable" else []
    return here + [scan for below in plan.get("Plans", ()) for scan in scans(below)]


def whole_scans(other, schema, name):
    """Plan a statement as the engine does and give the parts that read a table from end to end."""
    text = numbered(getattr(statements(schema), name)).decode()
    count = max(map(int, re.findall(r"\$(\d+)", text)))
    other.execute(f"prepare asked as {text}")
    nulls = ", ".join(["null"] * count)
    ((plan,),) = other.execute(f"explain (format json) execute asked({nulls})").fetchall()
    whole = [scan for scan in scans(plan[0]["Plan"]) if not {"Index Cond", "TID Cond"} & scan.keys()]
    return [scan for scan in whole if scan["Node Type"] not in ("Bitmap Heap Scan", "ModifyTable")]


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_reads_no_whole_table_although_a_young_team_has_small_ones(grove, name):
    with grove.engine_connection() as other:
        for table in ("object", "page", "page_history", "moved", "journal", "answer"):
            other.execute(f'analyze "{grove.schema}".{table}')
        other.execute(SESSION, ("1s", "1s"))

        assert whole_scans(other, grove.schema, name) == []


GROW = (
    'insert into "{schema}".object (parent_id, name, path, kind)'
    " select 1, 'young ' || number, '/young ' || number, 'object' from generate_series(1, 500) as number"
)


@pytest.fixture(scope="module")
def grown(new_team):
    """The schema of a team that got its objects faster than autovacuum looks after them."""
    schema = new_team().schema_name
    with psycopg.connect(running.conninfo(), autocommit=True) as other:
        other.execute(f'alter table "{schema}".object set (autovacuum_enabled = off)')
        other.execute(GROW.format(schema=schema))
    return schema


@pytest.mark.parametrize("name", NAMES)
def test_nor_does_it_where_a_young_team_grows_fast(grove, grown, name):
    with grove.engine_connection() as other:
        other.execute(SESSION, ("1s", "1s"))

        assert whole_scans(other, grown, name) == []
