from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0005_tasks"),
    ]

    operations = [
        migrations.AddField(
            model_name="waitingtask",
            name="place",
            field=models.TextField(db_collation="C", db_default="", default="", help_text="who runs it: '' any worker"),
        ),
        migrations.AddField(
            model_name="waitingtask",
            name="lane",
            field=models.BigIntegerField(help_text="the object, where its tasks run one after the other", null=True),
        ),
    ]
