"""The room of people, teams and rights."""

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """Tables of this room are in the public schema: they are about all teams."""

    name = "teams"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what other apps tell."""
        from teams import recovery  # noqa: F401, PLC0415 -- models are there only now
