"""The Django application of what terminals remember, in each team's schema."""

from django.apps import AppConfig


class TerminalConfig(AppConfig):
    """A tenant application: its tables are in every team's schema and go where the team goes."""

    name = "terminal"
    default_auto_field = "django.db.models.BigAutoField"
