"""Objects that are paused: since when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("objects", "0003_tasks"),
    ]

    operations = [
        migrations.AddField(
            model_name="object",
            name="paused_at",
            field=models.DateTimeField(null=True, help_text="since when nothing in it is done by itself"),
        ),
        migrations.RunSQL(
            "create index object_paused on object ((left(path, 255))) where paused_at is not null and trashed_at is null",
            migrations.RunSQL.noop,
        ),
    ]
