"""`python -m tests.timing.lone_worker SCHEMA OBJECT_ID SOURCE`: a worker of its own that is handed one object."""

import os
import sys


def main(schema: str, object_id: str, source: str) -> None:
    """Let the object do what is due."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    import psycopg

    from objects.engine import running
    from objects.facilities.queue import delivering
    from objects.timing import worker
    from objects.timing.index import Taken

    setattr(delivering, "TURN_S", 60.0)  # noqa: B010 -- final; also on a busy machine two messages are done together
    with psycopg.connect(running.conninfo(), autocommit=True) as connection:
        worker.work_off(connection, [Taken(schema, int(object_id), source)])
    running.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
