"""`python -m tests.browsers.lone_host PROXY`: a host of its own, which takes tasks until its standard input ends."""

import os
import sys
import threading


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from browsers.host import PLACE, Host
    from objects.engine import running as engines
    from objects.work import queue, running
    from objects.work.leases import leases

    queue.PATIENCE_S = 10.0  # type: ignore[misc]  # a busy machine must not look like a host that is gone
    host = Host(lambda session: {"server": sys.argv[1]})
    host.start()
    running.run_at(PLACE, 4, host.begin)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            if not running.run_waiting(PLACE):
                over.wait(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    sys.stdout.write(f"{leases.holder()}\n")
    sys.stdout.flush()
    sys.stdin.read()
    over.set()
    thread.join()
    host.stop()
    engines.stop()


if __name__ == "__main__":
    main()
