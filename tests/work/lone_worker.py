"""`python -m tests.work.lone_worker`: a worker of its own that runs the tasks which wait now, and says how many."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from objects.engine import running as engines
    from objects.work import running

    sys.stdout.write(f"{running.run_waiting()}\n")
    engines.stop()


if __name__ == "__main__":
    main()
