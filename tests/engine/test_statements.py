"""What the engine asks of Postgres it finds by keys, however little the statistics know: plans are kept for long."""

import re
from dataclasses import fields

import pytest

from objects.engine.prepared import numbered
from objects.engine.statements import SESSION, Statements, statements

NAMES = sorted({field.name for field in fields(Statements)} - {"commit_all", "commit_new_all", "forget_redirects_all"})


def scans(plan):
    """Give the parts of a plan that read a table."""
    here = [plan] if "Relation Name" in plan and plan["Node Type"] != "ModifyTable" else []
    return here + [scan for below in plan.get("Plans", ()) for scan in scans(below)]


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_reads_no_whole_table_although_a_young_team_has_small_ones(grove, name):
    with grove.engine_connection() as other:
        for table in ("object", "page", "page_history", "moved", "journal", "answer"):
            other.execute(f'analyze "{grove.schema}".{table}')
        other.execute(SESSION, ("1s", "1s"))
        text = numbered(getattr(statements(grove.schema), name)).decode()
        count = max(map(int, re.findall(r"\$(\d+)", text)))

        other.execute(f"prepare asked as {text}")
        nulls = ", ".join(["null"] * count)
        ((plan,),) = other.execute(f"explain (format json) execute asked({nulls})").fetchall()

    whole = [scan for scan in scans(plan[0]["Plan"]) if not {"Index Cond", "TID Cond"} & scan.keys()]
    assert [scan for scan in whole if scan["Node Type"] not in ("Bitmap Heap Scan", "ModifyTable")] == []
