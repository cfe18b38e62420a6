"""Statistics of a team's first object.

Without any, Postgres takes one row in 200 for not trashed, so any index without the trash for almost empty, and finds an
object by its path by going through all of one. A process keeps such a plan for the first minute or two of a team, until
autovacuum has been there: with 6,000 objects, made in ten seconds, that was four fifths of Postgres's work.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("objects", "0004_paused")]

    operations = [migrations.RunSQL("analyze object", migrations.RunSQL.noop)]
