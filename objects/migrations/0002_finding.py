"""What objects are found and sorted by beyond their row, and what people keep at hand."""

import django.contrib.postgres.fields
from django.db import migrations, models

# Scanned backwards: the most, largest or latest first. Each holds only those that have what it orders by.
# journal_failed: only calls that failed are in it, so that others cost nothing for it.
INDEXES = """
create index summary_called on summary (called_at, object_id) where called_at is not null;
create index summary_unseen on summary (object_id) where version < 0;
create index summary_errors on summary (errors, object_id) where errors > 0;
create index summary_pages on summary (pages, object_id) where pages > 0;
create index summary_state on summary using gin (state public.gin_trgm_ops);
create index summary_error on summary using gin (lower(error) public.gin_trgm_ops) where errors > 0;
create index journal_failed on journal (object_id, id) where outcome <> 'ok';
create index journal_failed_last on journal (id) where outcome <> 'ok';
insert into summary_mark (id, line_id) values (1, 0);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("objects", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                ("person", models.TextField(help_text="a Caller's id: 'p12'", primary_key=True, serialize=False)),
                (
                    "pinned",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=models.Value("{}"),
                        default=list,
                        help_text="in order",
                        size=None,
                    ),
                ),
                (
                    "recent",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=models.Value("{}"),
                        default=list,
                        help_text="latest first",
                        size=None,
                    ),
                ),
                (
                    "opened",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        db_default=models.Value("{}"),
                        default=list,
                        help_text="folders open in the tree",
                        size=None,
                    ),
                ),
            ],
            options={"db_table": "shelf"},
        ),
        migrations.CreateModel(
            name="Summary",
            fields=[
                ("object_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("called_at", models.DateTimeField(help_text="the latest call that the journal has", null=True)),
                (
                    "errors",
                    models.IntegerField(
                        help_text="calls that ended with a problem and are in the journal, counted to 1,000"
                    ),
                ),
                ("failed_at", models.DateTimeField(help_text="the latest of them", null=True)),
                (
                    "error",
                    models.TextField(help_text="what it was refused with, type and text; empty where there is none"),
                ),
                (
                    "pages",
                    models.IntegerField(
                        help_text="length of the file: the row's own column cannot be indexed, calls change it"
                    ),
                ),
                (
                    "version",
                    models.BigIntegerField(
                        help_text="of the object when its state was looked at; -1: it is to be looked at"
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        help_text="keys and values, folded to lower case, one a line; the first 4,096 characters"
                    ),
                ),
            ],
            options={"db_table": "summary"},
        ),
        migrations.CreateModel(
            name="SummaryMark",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("line_id", models.BigIntegerField()),
            ],
            options={"db_table": "summary_mark"},
        ),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
    ]
