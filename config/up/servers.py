"""Postgres and Valkey for whoever needs them: the given ones, or the embedded ones with their data under `var/`."""

import os
from pathlib import Path

import psycopg
import valkey

from config.up.postgres import Postgres
from config.up.say import Failure, say
from config.up.supervisor import Supervisor
from config.up.valkey import Valkey

POSTGRES_RANK, VALKEY_RANK = 0, 1  # Postgres is stopped last
READY_S = 60.0  # recovery after a crash reads up to max_wal_size of log


def start_servers(
    supervisor: Supervisor, var: Path, *, is_quiet: bool = False, is_fleeting: bool = False
) -> dict[str, str]:
    """Start what is not given by DATABASE_URL and VALKEY_URL, and give both addresses as environment variables.

    is_fleeting: the data may be lost when the machine falls over, and commits need not wait for the disk.
    Raises Failure when a server can't be started or a given one can't be reached.
    """
    secrets = var / "secrets"
    postgres = valkey_server = None
    if "DATABASE_URL" not in os.environ:
        postgres = Postgres(var / "postgres", secrets, rank=POSTGRES_RANK, is_quiet=is_quiet, is_fleeting=is_fleeting)
        if not postgres.data.exists():
            say(f"Making a database in {postgres.home}")
        postgres.prepare()
        say("Starting Postgres")
        supervisor.start(postgres.program())
    if "VALKEY_URL" not in os.environ:
        say("Starting Valkey")
        valkey_server = Valkey(var / "valkey", secrets, rank=VALKEY_RANK, is_quiet=is_quiet)
        supervisor.start(valkey_server.program())
    for name, server in (("postgres", postgres), ("valkey", valkey_server)):
        if server is not None:
            wait_for(supervisor, name, server)
    return {
        "DATABASE_URL": postgres.url if postgres else given_postgres(os.environ["DATABASE_URL"]),
        "VALKEY_URL": valkey_server.url if valkey_server else given_valkey(os.environ["VALKEY_URL"]),
    }


def wait_for(supervisor: Supervisor, name: str, server: Postgres | Valkey) -> None:
    """Wait until a server answers. One that ends three times in a row won't come."""
    is_there = False

    def is_decided() -> bool:
        nonlocal is_there
        is_there = name in supervisor.children and server.is_ready()
        return is_there or supervisor.restarts(name) >= 3

    supervisor.wait_until(is_decided, READY_S)
    if not is_there:
        raise Failure(
            f"{name} does not start; its own lines above tell why. Its data is in {server.home}.\n"
            "If they speak of the disk or of rights, put that right and start again; nothing was lost."
        )


def given_postgres(url: str) -> str:
    """Check that the database of DATABASE_URL can be reached, and give the address back."""
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        # The address may hold a password: only what libpq says of it is shown.
        raise Failure(f"DATABASE_URL is set, but its database cannot be used: {str(error).strip()}") from error
    return url


def given_valkey(url: str) -> str:
    """Check that the server of VALKEY_URL can be reached, and give the address back."""
    try:
        valkey.Valkey.from_url(url, socket_connect_timeout=10, socket_timeout=10).ping()
    except (valkey.ValkeyError, ValueError) as error:
        raise Failure(f"VALKEY_URL is set, but its server cannot be used: {error}") from error
    return url
