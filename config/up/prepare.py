"""`python -m config.up.prepare`: brings the database up to date and seeds the demo team, in one start of Django."""

import os


def prepare() -> None:
    """Migrate the public schema and every team's; then run `seed_demo`, which makes nothing twice."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415 -- settings first

    django.setup()
    from django.core.management import call_command, get_commands  # noqa: PLC0415

    call_command("migrate", verbosity=1, interactive=False)
    if "seed_demo" in get_commands():
        call_command("seed_demo")


if __name__ == "__main__":
    prepare()
