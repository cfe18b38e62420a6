"""Makes the Celery application known in every process: without it, web would send tasks to no broker."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class GroveConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401, PLC0415 -- importing it makes it Celery's current application


class GroveAdminConfig(AdminConfig):
    """Django's admin with pages of our own."""

    default_site = "teams.operating.site.GroveAdmin"
