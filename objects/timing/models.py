"""The one index of what is due, of all teams, in the public schema."""

from django.db import models


class Wake(models.Model):
    """When an object is to be woken, and what for. Times are Unix seconds; infinity is never.

    The engine writes a row in the transaction that makes something due, so that neither is there without the other.
    """

    pk = models.CompositePrimaryKey("schema", "object_id", "source")
    schema = models.TextField(db_collation="C", help_text="of the team")
    object_id = models.BigIntegerField()
    source = models.TextField(db_collation="C", help_text="the facility that has something to do: cron, queue")
    due_at = models.FloatField(help_text="when the earliest of it is due")
    ready_at = models.FloatField(help_text="when a dispatcher may take it: due_at, later while one has it")
    held = models.BooleanField(default=False, db_default=False, help_text="a dispatcher took it, until ready_at")
    starts = models.IntegerField(default=0, db_default=0, help_text="times that a worker began and never ended")
    note = models.JSONField(default=dict, db_default=models.Value("{}"), help_text="for the page of what is due")

    class Meta:
        db_table = "wake"
        indexes = (
            models.Index(fields=["ready_at"], name="wake_ready"),
            models.Index(fields=["schema", "ready_at"], name="wake_team"),
            models.Index(fields=["schema"], condition=models.Q(held=True), name="wake_held"),
            models.Index(fields=["schema"], condition=~models.Q(note={}), name="wake_noted"),
        )
