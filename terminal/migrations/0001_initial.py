"""What terminals remember, and how it is found: newest first, of a person, and of a person at an object."""

from django.db import migrations, models

# A path can be 64 names of 255 bytes, which no B-tree takes: its digest is the key. Scroll-back is kept outside of the row, as
# it is overwritten every few seconds while somebody types.
INDEXES = """
create index terminal_line_newest on terminal_line (person, id desc);
create index terminal_line_here on terminal_line (person, (md5(path)::uuid), id desc);
create index terminal_line_at on terminal_line (at);
create index terminal_session_person on terminal_session (person, seen_at);
alter table terminal_session alter column scrollback set storage external;
alter table terminal_session set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("person", models.TextField(db_collation="C")),
                ("name", models.TextField(db_collation="C")),
                ("text", models.TextField()),
            ],
            options={
                "db_table": "terminal_alias",
            },
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("person", models.TextField(db_collation="C")),
                ("path", models.TextField(db_collation="C", help_text="the object at which it was run")),
                ("line", models.TextField()),
                ("at", models.DateTimeField()),
                ("status", models.IntegerField(help_text="0 where all went well, as $?")),
            ],
            options={
                "db_table": "terminal_line",
            },
        ),
        migrations.CreateModel(
            name="Macro",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("person", models.TextField(db_collation="C")),
                ("name", models.TextField(db_collation="C")),
                ("text", models.TextField()),
            ],
            options={
                "db_table": "terminal_macro",
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.TextField(db_collation="C", help_text="hard to guess", primary_key=True, serialize=False),
                ),
                ("person", models.TextField(db_collation="C")),
                ("path", models.TextField(db_collation="C")),
                ("line", models.TextField(help_text="typed and not yet sent")),
                ("cursor", models.IntegerField(help_text="characters of the line before it")),
                ("variables", models.JSONField(default=dict)),
                ("scrollback", models.BinaryField(help_text="the last bytes that were shown")),
                (
                    "shown_bytes",
                    models.BigIntegerField(help_text="how many were shown in all; the scroll-back ends there"),
                ),
                ("width", models.IntegerField(help_text="columns")),
                ("height", models.IntegerField(help_text="rows")),
                ("seen_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "terminal_session",
            },
        ),
        migrations.CreateModel(
            name="Startup",
            fields=[
                ("person", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("text", models.TextField()),
            ],
            options={
                "db_table": "terminal_startup",
            },
        ),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
    ]
