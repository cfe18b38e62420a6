"""The tables of a team, their indexes, and the root of its tree."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# `path` can be 64 names of 255 bytes, which no B-tree takes: its digest is the key. Its first 255 characters order the
# tree and bound a subtree. Rows in the trash keep their path and are in none of these.
# fillfactor 70: a commit changes `version`, `pages` and `changed_at`, none of them indexed, so that the row's new version
# finds room in its page and no index is touched (HOT).
# folded: what a part of a name is looked for in. Lowered once, 100,000 are searched in a third of the time of ILIKE.
# object_part: on the name, not the path. Moving a subtree writes all indexes of each row, and this one costs most: what is
# found by a part of the path is found by the part's last name first. Its pending list stays at Postgres's 4 MB: with
# 256 kB, moving 10,000 objects took 1.9 s instead of 0.2 s.
# object_order_values: Postgres uses no statistics of a partial index's expression, and guessed 500 rows for every range.
INDEXES = """
alter table object set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
alter table object add constraint object_root check ((path = '/') = (parent_id is null));
create unique index object_path on object ((md5(path)::uuid)) where trashed_at is null;
create unique index object_name on object (parent_id, name) where trashed_at is null;
create index object_order on object ((left(path, 255))) where trashed_at is null;
create statistics object_order_values on (left(path, 255)) from object;
alter table object add column folded text collate "C" generated always as (lower(name collate "default")) stored;
create index object_part on object using gin (folded public.gin_trgm_ops) where trashed_at is null;
create index object_tags on object using gin (tags) where trashed_at is null;
create index object_kind on object (kind) where trashed_at is null;
create index object_trash on object (trash_root) where trashed_at is not null;
create index object_trash_top on object (trashed_at, id) where trash_root = id;
create unique index moved_path on moved ((md5(path)::uuid));
create index moved_object on moved (object_id);
"""

# A page is compressed before it gets here, so Postgres shall not try again. Pages are overwritten all the time: their
# tables are vacuumed after 2 % of dead rows instead of 20 %, without the pauses meant for idle disks.
PAGES = """
alter table page alter column data set storage external;
alter table page_history alter column data set storage external;
alter table page set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_cost_delay = 0);
alter table page_history set (autovacuum_vacuum_insert_scale_factor = 0.1);
"""

# The root is a row like any other, so that a cloned schema has it too. It is the first: its id is 1.
ROOT = "insert into object (parent_id, name, path, kind) values (null, '', '/', 'object')"


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MovedPath",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("path", models.TextField(db_collation="C")),
                ("object_id", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "moved",
            },
        ),
        migrations.CreateModel(
            name="Page",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "object_id", "no", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("object_id", models.BigIntegerField()),
                ("no", models.IntegerField()),
                ("version", models.BigIntegerField(help_text="the object's version that wrote it")),
                ("bucket", models.IntegerField(help_text="time bucket in which it was written")),
                ("data", models.BinaryField()),
            ],
            options={
                "db_table": "page",
            },
        ),
        migrations.CreateModel(
            name="PageHistory",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "object_id", "no", "bucket", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("object_id", models.BigIntegerField()),
                ("no", models.IntegerField()),
                ("bucket", models.IntegerField()),
                ("version", models.BigIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={
                "db_table": "page_history",
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "object_id", "caller", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("object_id", models.BigIntegerField()),
                ("caller", models.TextField()),
                ("key", models.TextField()),
                ("fingerprint", models.BinaryField(help_text="digest of command and arguments: a key is for one call")),
                ("value", models.TextField(help_text="the result as JSON")),
                ("version", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "answer",
                "indexes": [models.Index(fields=["at"], name="answer_at")],
            },
        ),
        migrations.CreateModel(
            name="JournalLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("object_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("caller", models.TextField()),
                ("via", models.TextField()),
                ("command", models.TextField()),
                ("arguments", models.JSONField()),
                ("outcome", models.TextField(help_text="'ok' or the type of the problem")),
                ("detail", models.TextField(default="", help_text="the problem's text")),
                ("took_us", models.IntegerField(help_text="microseconds inside the object")),
                ("version", models.BigIntegerField(help_text="the object's version after the call")),
            ],
            options={
                "db_table": "journal",
                "indexes": [models.Index(fields=["object_id", "id"], name="journal_object")],
            },
        ),
        migrations.CreateModel(
            name="Object",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.TextField(db_collation="C", help_text="NFC; empty for the root")),
                ("path", models.TextField(db_collation="C", help_text="NFC; '/' for the root")),
                ("kind", models.TextField()),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_default=models.Value("{}"), default=list, size=None
                    ),
                ),
                ("settings", models.JSONField(db_default=models.Value("{}"), default=dict, help_text="set here")),
                (
                    "effective",
                    models.JSONField(
                        db_default=models.Value("{}"),
                        default=dict,
                        help_text="settings with what is inherited; kept by objects.tree",
                    ),
                ),
                (
                    "version",
                    models.BigIntegerField(
                        db_default=0, default=0, help_text="one more for each commit that changed pages"
                    ),
                ),
                (
                    "pages",
                    models.IntegerField(
                        db_default=0, default=0, help_text="length of the SQLite file, in pages of 4,096 bytes"
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("trashed_at", models.DateTimeField(null=True)),
                (
                    "trash_root",
                    models.BigIntegerField(
                        help_text="the object whose deletion brought this one to the trash", null=True
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="children",
                        to="objects.object",
                    ),
                ),
            ],
            options={
                "db_table": "object",
            },
        ),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
        migrations.RunSQL(PAGES, migrations.RunSQL.noop),
        migrations.RunSQL(ROOT, migrations.RunSQL.noop),
    ]
