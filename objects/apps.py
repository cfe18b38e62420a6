"""The Django application of a team's schema."""

from django.apps import AppConfig


class ObjectsConfig(AppConfig):
    """Objects and what belongs to them: a tenant application, its tables are in every team's schema."""

    name = "objects"
    default_auto_field = "django.db.models.BigAutoField"
