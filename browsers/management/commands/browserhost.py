"""A browser host: `manage.py browserhost`. `up` starts one."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand

from browsers.chromium import is_sandboxed
from browsers.finding import is_any_there, missing
from browsers.host import PLACE, Host
from objects.work import posting, running
from objects.work.leases import leases


class Command(BaseCommand):
    """Runs commands of browsers until it is told to stop; then every browser is saved."""

    help = "Host browsers: run what objects ask of theirs, in one Chromium that is started when it is first needed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Begin, and stay."""
        if not is_any_there(settings.BROWSER_EXECUTABLE):
            self.stderr.write(f"{missing(settings.BROWSER_EXECUTABLE)} All but browsers works without.")
        elif not is_sandboxed():
            self.stderr.write("Chromium's own sandbox is off, because this process is root's: run Grove as a user.")
        host = Host()
        host.start()
        count = settings.GROVE.BROWSER_COMMANDS
        running.run_at(PLACE, count, host.begin)
        queues = f"{PLACE},{posting.queue_of(PLACE, leases.holder())}"  # the second for what is awake here
        try:
            current_app.worker_main([
                "--quiet", "worker", "--loglevel", "WARNING", "--without-gossip", "--pool", "threads",
                "--queues", queues, "--concurrency", str(count), "--hostname", "browser@%h",
            ])  # fmt: skip
        finally:
            host.stop()
