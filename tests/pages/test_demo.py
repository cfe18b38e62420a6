"""The demo tree: a newcomer sees real state, tables and files, and nothing is made twice or put back."""

from django_pgschemas.schema import Schema, override

from objects.demo import ORDERS, plant
from objects.models import JournalLine


def test_the_demo_tree_holds_real_things(team, call):
    made = plant(team, team.owner)

    assert made == [
        "/welcome", "/shop", "/shop/orders", "/shop/prices", "/lab", "/lab/counter", "/lab/garden", "/lab/browser",
    ]  # fmt: skip
    assert call("/shop/orders", "sql.query", query="select count(*), count(distinct city) from orders")["rows"] == [
        [ORDERS, 6]
    ]
    assert call("/lab/counter", "state.get", key="count") == 7
    assert [(each["name"], each["command"]) for each in call("/lab/garden", "cron.list")["schedules"]] == [
        ("rain", "state set key=mode value=rain"),
        ("water", "state incr key=waterings"),
    ]
    assert [each["outcome"] for each in call("/lab/garden", "cron.history", name="water")["runs"]] == ["ok"]
    assert call("/shop/orders", "queue.depth")["waiting"] == 4
    assert [(each["what"], each["state"]) for each in call("/shop/orders", "steps.list")] == [("plan", "going")]
    assert [(each["command"], each["state"]) for each in call("/lab/browser", "task.list")] == [
        ("browser.open", "waiting")  # there is no browser host here
    ]
    assert [each["name"] for each in call("/welcome", "files.list")["files"]] == ["README.md"]
    assert [each["path"] for each in call("/", "tree.find", tag="shop")["objects"]] == [
        "/shop", "/shop/orders", "/shop/prices",
    ]  # fmt: skip


def test_planting_again_changes_nothing_that_somebody_changed_and_leaves_no_trace(team, call):
    plant(team, team.owner)
    call("/lab/counter", "state.set", key="count", value=99)
    call("/lab/garden", "tree.move", to="/garden")
    with override(Schema.create(team.schema_name)):
        lines = JournalLine.objects.count()

    assert plant(team, team.owner) == []
    assert call("/lab/counter", "state.get", key="count") == 99
    with override(Schema.create(team.schema_name)):
        assert JournalLine.objects.count() == lines
