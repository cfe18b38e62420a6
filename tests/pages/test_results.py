"""Results are shown by what they are: a series is drawn, nested values unfold, all else is a table or pairs."""

import pytest

from objects.commands.registry import registry
from objects.surfaces.pages.results import Chart, Pairs, Table, Tree, chart_of, result_of


def test_a_few_values_by_name_are_bars_and_a_table():
    answer = {
        "columns": ["city", "n"],
        "rows": [["Oslo", 4], ["Rome", 1]],
        "changed": 0,
        "truncated": False,
        "note": "",
    }

    chart, table = result_of(registry.command("object", "sql.query"), answer).blocks

    assert [(bar.label, bar.text, bar.share) for bar in chart.bars] == [("Oslo", "4", 100), ("Rome", "1", 25)]
    assert type(table) is Table


def test_many_values_in_the_order_of_time_are_a_line():
    rows = [[f"2026-01-{day:02}", day % 3 - 1] for day in range(1, 11)]

    chart = chart_of(["day", "n"], rows)

    assert (chart.least, chart.most, chart.first, chart.last) == ("-1", "1", "2026-01-01", "2026-01-10")
    heights = [float(point.split(",")[1]) for point in chart.line.split()]
    assert (len(heights), min(heights), max(heights)) == (10, 4.0, 116.0)


@pytest.mark.parametrize(
    "rows",
    [
        [], [["a", 1]], [["a", "b"], ["c", "d"]], [["a", 1], ["b", None]], [["a", -1], ["b", 1]], [["a", 0], ["b", 0]],
        [["a", True], ["b", False]], [[f"n{number}", number] for number in range(40)],
    ],
)  # fmt: skip
def test_what_is_no_series_is_not_drawn(rows):
    assert chart_of(["a", "b"], rows) is None


def test_nested_json_unfolds_and_flat_json_is_pairs():
    get = registry.command("object", "state.get")

    (deep,) = result_of(get, {"lamp": {"colour": "red"}, "on": True}).blocks
    (flat,) = result_of(get, {"colour": "red"}).blocks

    assert (type(deep), type(flat)) == (Tree, Pairs)
    assert [(each.name, each.kind) for each in deep.branch.members] == [("lamp", "object"), ("on", "yes or no")]
    assert Chart("x").template == "objects/_chart.html"


def test_a_trial_tells_what_would_differ_in_each_row():
    answer = {
        "changed": 3,
        "rows": [
            {
                "table": "t",
                "what": "update",
                "before": {"id": 1, "n": 2, "m": None},
                "after": {"id": 1, "n": 3, "m": ""},
            },
            {"table": "t", "what": "delete", "before": {"id": 4, "n": "x"}, "after": None},
            {"table": "t", "what": "update", "before": {"id": 5}, "after": {"id": 5}},
        ],
        "more": False,
    }

    _, table = result_of(registry.command("object", "sql.dryrun"), answer).blocks

    assert table.columns == ("table", "what", "row", "change")
    assert [[each.text for each in row] for row in table.rows] == [
        ["t", "update", "id 1", "n: 2 → 3, m: null → "],
        ["t", "delete", "id 4", "n: x"],
        ["t", "update", "id 5", "nothing differs"],
    ]
