"""`manage.py sshd` with the stand-in for the shell."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 -- needs Django to be set up

from tests.terminal import standin  # noqa: E402

if __name__ == "__main__":
    standin.use()
    call_command("sshd", *sys.argv[1:])
