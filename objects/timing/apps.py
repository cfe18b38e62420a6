"""The Django application of the one table that all teams share: it is in the public schema."""

from django.apps import AppConfig


class TimingConfig(AppConfig):
    name = "objects.timing"
    label = "timing"
