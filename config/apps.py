"""Makes the Celery application known in every process: without it, web would send tasks to no broker."""

from django.apps import AppConfig


class GroveConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401, PLC0415 -- importing it makes it Celery's current application
