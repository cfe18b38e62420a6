"""The tables of one team, in the team's own schema.

The engine and the tree read and write them with SQL of their own (`objects.engine`, `objects.tree`); these models
give the migrations, the admin panel and the tests. There is no foreign key out of the schema: people are named in
text, so that a schema can move to another server as it is.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Object(models.Model):
    """A node of the tree. The row is also the lock that makes the object single-threaded."""

    id = models.BigAutoField(primary_key=True)
    # No constraint in the database: objects.tree keeps the tree whole under its own locks, and a constraint would take
    # a share lock on the parent for each child and look for children of each purged row.
    parent = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, db_index=False, db_constraint=False, related_name="children"
    )
    name = models.TextField(db_collation="C", help_text="NFC; empty for the root")
    path = models.TextField(db_collation="C", help_text="NFC; '/' for the root")
    kind = models.TextField()
    tags = ArrayField(models.TextField(), default=list, db_default=models.Value("{}"))
    settings = models.JSONField(default=dict, db_default=models.Value("{}"), help_text="set here")
    effective = models.JSONField(
        default=dict, db_default=models.Value("{}"), help_text="settings with what is inherited; kept by objects.tree"
    )
    version = models.BigIntegerField(default=0, db_default=0, help_text="one more for each commit that changed pages")
    pages = models.IntegerField(default=0, db_default=0, help_text="length of the SQLite file, in pages of 4,096 bytes")
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    trashed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True, help_text="since when nothing in it is done by itself")
    trash_root = models.BigIntegerField(null=True, help_text="the object whose deletion brought this one to the trash")

    class Meta:
        db_table = "object"


class Page(models.Model):
    """A page of an object's SQLite file as it is now. `no` counts from 0; `data` is one zstd frame of 4,096 bytes."""

    pk = models.CompositePrimaryKey("object_id", "no")
    object_id = models.BigIntegerField()
    no = models.IntegerField()
    version = models.BigIntegerField(help_text="the object's version that wrote it")
    bucket = models.IntegerField(help_text="time bucket in which it was written")
    data = models.BinaryField()

    class Meta:
        db_table = "page"


class PageHistory(models.Model):
    """What a page was at the end of an earlier time bucket."""

    pk = models.CompositePrimaryKey("object_id", "no", "bucket")
    object_id = models.BigIntegerField()
    no = models.IntegerField()
    bucket = models.IntegerField()
    version = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "page_history"


class JournalLine(models.Model):
    """One line a call that changed an object, or tried to. Secrets in `arguments` are masked before they get here."""

    id = models.BigAutoField(primary_key=True)
    object_id = models.BigIntegerField()
    at = models.DateTimeField()
    caller = models.TextField()
    via = models.TextField()
    command = models.TextField()
    arguments = models.JSONField()
    outcome = models.TextField(help_text="'ok' or the type of the problem")
    detail = models.TextField(default="", help_text="the problem's text")
    took_us = models.IntegerField(help_text="microseconds inside the object")
    version = models.BigIntegerField(help_text="the object's version after the call")

    class Meta:
        db_table = "journal"
        indexes = (models.Index(fields=["object_id", "id"], name="journal_object"),)


class Answer(models.Model):
    """The answer given under an idempotency key, for as long as the setting ANSWER_KEEP_S says.

    Only calls that took effect leave one: a refused call changed nothing, so it may be tried again under its key.
    """

    pk = models.CompositePrimaryKey("object_id", "caller", "key")
    object_id = models.BigIntegerField()
    caller = models.TextField()
    key = models.TextField()
    fingerprint = models.BinaryField(help_text="digest of command and arguments: a key is for one call")
    value = models.TextField(help_text="the result as JSON")
    version = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "answer"
        indexes = (models.Index(fields=["at"], name="answer_at"),)


class MovedPath(models.Model):
    """Where the object that once had this path is now; one row for the top of a moved subtree."""

    id = models.BigAutoField(primary_key=True)
    path = models.TextField(db_collation="C")
    object_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "moved"


class Task(models.Model):
    """A command that runs outside of the object's lock. While it is not over, the table `WaitingTask` has it too."""

    id = models.TextField(primary_key=True, db_collation="C")
    object_id = models.BigIntegerField()
    command = models.TextField()
    arguments = models.TextField(  # noqa: DJ001 -- see value
        null=True, help_text="as JSON; gone once it is over, where a part of it is secret"
    )
    shown = models.JSONField(help_text="the arguments with secrets masked")
    caller = models.TextField()
    caller_id = models.TextField(help_text="whose rights it has, looked up when it begins and when it ends")
    state = models.TextField(help_text="waiting, running, done, failed or cancelled")
    tries = models.IntegerField(default=0, db_default=0)
    done = models.FloatField(null=True, help_text="the part that is done, 0 to 1")
    note = models.TextField(default="", db_default="", help_text="what it does now")
    tells = models.TextField(default="", db_default="", help_text="the command that is told the outcome")
    tells_arguments = models.JSONField(null=True)
    value = models.TextField(null=True, help_text="the result as JSON")  # noqa: DJ001 -- there is none yet
    problem = models.JSONField(null=True, help_text="why it failed, or why it will be tried again")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    settled_by = models.TextField(  # noqa: DJ001 -- nobody yet
        null=True, help_text="the lease of the worker whose outcome counted"
    )

    class Meta:
        db_table = "task"
        indexes = (
            models.Index(fields=["object_id", "-created_at", "-id"], name="task_object"),
            models.Index(fields=["ended_at"], name="task_ended"),
        )


class TaskOutput(models.Model):
    """A piece of what a task wrote."""

    pk = models.CompositePrimaryKey("task_id", "no")
    task_id = models.TextField(db_collation="C")
    no = models.IntegerField()
    text = models.TextField()

    class Meta:
        db_table = "task_output"


class Shelf(models.Model):
    """What one person keeps at hand in this team: ids of objects, so that what moves stays on it."""

    person = models.TextField(primary_key=True, help_text="a Caller's id: 'p12'")
    pinned = ArrayField(models.BigIntegerField(), default=list, db_default=models.Value("{}"), help_text="in order")
    recent = ArrayField(models.BigIntegerField(), default=list, db_default=models.Value("{}"), help_text="latest first")
    opened = ArrayField(
        models.BigIntegerField(), default=list, db_default=models.Value("{}"), help_text="folders open in the tree"
    )

    class Meta:
        db_table = "shelf"


class Summary(models.Model):
    """What an object is found and sorted by beyond its row; `objects.tree.summaries` keeps it, a little behind.

    There is none for an object that nobody called yet.
    """

    object_id = models.BigIntegerField(primary_key=True)
    called_at = models.DateTimeField(null=True, help_text="the latest call that the journal has")
    errors = models.IntegerField(help_text="calls that ended with a problem and are in the journal, counted to 1,000")
    failed_at = models.DateTimeField(null=True, help_text="the latest of them")
    error = models.TextField(help_text="what it was refused with, type and text; empty where there is none")
    pages = models.IntegerField(help_text="length of the file: the row's own column cannot be indexed, calls change it")
    version = models.BigIntegerField(help_text="of the object when its state was looked at; -1: it is to be looked at")
    state = models.TextField(help_text="keys and values, folded to lower case, one a line; the first 4,096 characters")

    class Meta:
        db_table = "summary"


class SummaryMark(models.Model):
    """How far the summaries have come: every line of the journal up to `line_id` is in them. One row."""

    id = models.SmallIntegerField(primary_key=True)
    line_id = models.BigIntegerField()

    class Meta:
        db_table = "summary_mark"
