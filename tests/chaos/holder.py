"""`python -m tests.chaos.holder SCHEMA FROM TO`: a process of its own that pays slowly; prints how it ended."""

import os
import sys


def main(schema: str, source: str, target: str) -> None:
    """Pay 1 in a transaction that lasts a second."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from objects.engine import running
    from teams.access import Caller

    outcome = running.engine().call(
        schema, source, "pay_slowly", {"to": target, "amount": 1, "seconds": 1.0}, Caller.system(schema)
    )
    print(outcome.problem.type if outcome.problem else outcome.value)
    running.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
