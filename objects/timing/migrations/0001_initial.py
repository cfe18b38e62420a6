"""The one index of what is due, of all teams."""

from django.db import migrations, models

# A row is rewritten each time that it comes due, is taken and is done, and its index entries with it.
BUSY = """
alter table wake set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Wake",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "schema", "object_id", "source", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("schema", models.TextField(db_collation="C", help_text="of the team")),
                ("object_id", models.BigIntegerField()),
                (
                    "source",
                    models.TextField(db_collation="C", help_text="the facility that has something to do: cron, queue"),
                ),
                ("due_at", models.FloatField(help_text="when the earliest of it is due")),
                (
                    "ready_at",
                    models.FloatField(help_text="when a dispatcher may take it: due_at, later while one has it"),
                ),
                (
                    "held",
                    models.BooleanField(
                        db_default=False, default=False, help_text="a dispatcher took it, until ready_at"
                    ),
                ),
                (
                    "starts",
                    models.IntegerField(db_default=0, default=0, help_text="times that a worker began and never ended"),
                ),
                (
                    "note",
                    models.JSONField(
                        db_default=models.Value("{}"), default=dict, help_text="for the page of what is due"
                    ),
                ),
            ],
            options={
                "db_table": "wake",
                "indexes": [
                    models.Index(fields=["ready_at"], name="wake_ready"),
                    models.Index(fields=["schema", "ready_at"], name="wake_team"),
                    models.Index(condition=models.Q(("held", True)), fields=["schema"], name="wake_held"),
                ],
            },
        ),
        migrations.RunSQL(BUSY, migrations.RunSQL.noop),
    ]
