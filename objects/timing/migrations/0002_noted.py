from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("timing", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="wake",
            index=models.Index(condition=models.Q(("note", {}), _negated=True), fields=["schema"], name="wake_noted"),
        ),
    ]
