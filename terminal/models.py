"""What terminals remember of a person in a team: lines, macros, aliases, start-up text, and sessions that went away.

`terminal.memory` reads and writes these tables with SQL of its own, beside the event loop; the models give migrations,
the admin panel and tests. People are named by `Caller.id` ("p12", or "t34" for a token) without a foreign key: a schema
can move to another server as it is.
"""

from django.db import models


class Line(models.Model):
    """A line that was run. Secrets in it are masked before they get here."""

    id = models.BigAutoField(primary_key=True)
    person = models.TextField(db_collation="C")
    path = models.TextField(db_collation="C", help_text="the object at which it was run")
    line = models.TextField()
    at = models.DateTimeField()
    status = models.IntegerField(help_text="0 where all went well, as $?")

    class Meta:
        db_table = "terminal_line"


class Macro(models.Model):
    """Lines under a name, with $1, $2 and $@ where its arguments go."""

    pk = models.CompositePrimaryKey("person", "name")
    person = models.TextField(db_collation="C")
    name = models.TextField(db_collation="C")
    text = models.TextField()

    class Meta:
        db_table = "terminal_macro"


class Alias(models.Model):
    """Words that stand for others where a command is expected."""

    pk = models.CompositePrimaryKey("person", "name")
    person = models.TextField(db_collation="C")
    name = models.TextField(db_collation="C")
    text = models.TextField()

    class Meta:
        db_table = "terminal_alias"


class Startup(models.Model):
    """A person's ~/.groverc."""

    person = models.TextField(primary_key=True, db_collation="C")
    text = models.TextField()

    class Meta:
        db_table = "terminal_startup"


class Snapshot(models.Model):
    """A session as it was when it was last seen: what a reader who comes back after a restart finds."""

    id = models.TextField(primary_key=True, db_collation="C", help_text="hard to guess")
    person = models.TextField(db_collation="C")
    path = models.TextField(db_collation="C")
    line = models.TextField(help_text="typed and not yet sent")
    cursor = models.IntegerField(help_text="characters of the line before it")
    variables = models.JSONField(default=dict)
    scrollback = models.BinaryField(help_text="the last bytes that were shown")
    shown_bytes = models.BigIntegerField(help_text="how many were shown in all; the scroll-back ends there")
    width = models.IntegerField(help_text="columns")
    height = models.IntegerField(help_text="rows")
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "terminal_session"
