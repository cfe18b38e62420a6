"""Imported once by the process that tasks are forked from: all kinds and facilities, and nothing that is open."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from objects.commands.registry import registry  # noqa: E402 -- needs the settings
from objects.work import child  # noqa: E402, F401 -- what the processes will run

registry.load()
