"""The embedded servers: who gets in, what survives, and how a start finds what a crash left."""

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import valkey

from config.up.postgres import Postgres
from config.up.say import Failure
from config.up.servers import given_postgres, given_valkey, start_servers, wait_for
from config.up.supervisor import Supervisor


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A `var` in which a cluster was made once; where Postgres's user may go, unlike pytest's own directories."""
    var = Path(tempfile.mkdtemp(prefix="grove-test-"))
    var.chmod(0o755)
    yield var
    shutil.rmtree(var)


@pytest.fixture
def var(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("VALKEY_URL", raising=False)
    return made


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(first_delay_s=0.1) as running:
        yield running


def test_what_is_committed_survives_a_kill_of_the_server_and_of_everything(var: Path, supervisor: Supervisor) -> None:
    found = start_servers(supervisor, var, is_quiet=True)
    with psycopg.connect(found["DATABASE_URL"]) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept (what text)")
        connection.execute("INSERT INTO kept VALUES ('before the kill')")

    os.kill(supervisor.pids()["postgres"], signal.SIGKILL)
    assert supervisor.wait_until(lambda: "postgres" not in supervisor.children, 10)

    def rows() -> list[tuple[str]]:
        with psycopg.connect(found["DATABASE_URL"], connect_timeout=5) as connection:
            return connection.execute("SELECT what FROM kept").fetchall()

    def is_back() -> bool:
        try:
            return bool(rows())
        except psycopg.OperationalError:
            return False

    assert supervisor.wait_until(is_back, 30)
    assert rows() == [("before the kill",)]


def test_nobody_gets_in_without_the_password(var: Path, supervisor: Supervisor) -> None:
    found = start_servers(supervisor, var, is_quiet=True)
    postgres = psycopg.conninfo.conninfo_to_dict(found["DATABASE_URL"])

    for user in ("grove", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="127.0.0.1", port=postgres["port"], user=user, password="wrong", dbname="grove")
    port = int(found["VALKEY_URL"].rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(valkey.AuthenticationError):
        valkey.Valkey(port=port).get("x")


def test_groves_role_is_no_superuser_and_durability_is_on(var: Path, supervisor: Supervisor) -> None:
    found = start_servers(supervisor, var, is_quiet=True)

    with psycopg.connect(found["DATABASE_URL"]) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "listen_addresses")
        settings = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}

    assert role == (False, False, True)
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
    }


def test_passwords_are_random_in_files_for_the_owner_only_and_in_no_command_line(
    var: Path, supervisor: Supervisor
) -> None:
    start_servers(supervisor, var, is_quiet=True)

    secrets = {path.name: path.read_text().strip() for path in (var / "secrets").iterdir()}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (var / "secrets").iterdir()}
    commands = "\n".join(" ".join(psutil.Process(pid).cmdline()) for pid in supervisor.pids().values())

    assert set(secrets) == {"postgres", "postgres-admin", "valkey"}
    assert len(set(secrets.values())) == 3
    assert min(map(len, secrets.values())) >= 40
    assert (modes, stat.S_IMODE((var / "secrets").stat().st_mode)) == ({0o600}, 0o700)
    assert [name for name, secret in secrets.items() if secret in commands] == []


def test_a_server_that_outlived_its_supervisor_is_stopped_first(
    var: Path, supervisor: Supervisor, capsys: pytest.CaptureFixture
) -> None:
    with Supervisor() as killed:
        start_servers(killed, var, is_quiet=True)
        left = killed.children.pop("postgres")  # as if the kernel had not told it of its supervisor's end
    capsys.readouterr()

    start_servers(supervisor, var, is_quiet=True)

    assert left.process.wait(10) == 0
    assert f"A Postgres of an earlier start still runs (pid {left.process.pid}): stopping it" in capsys.readouterr().out


def test_a_pid_file_that_now_names_a_stranger_does_not_stop_the_start(var: Path, supervisor: Supervisor) -> None:
    with Supervisor() as earlier:
        start_servers(earlier, var, is_quiet=True)
    server = Postgres(var / "postgres", var / "secrets")
    lock = server.data / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.data}\n1\n1\n\n127.0.0.1\n1 1\nready   \n")

    assert start_servers(supervisor, var, is_quiet=True)["DATABASE_URL"].startswith("postgres://grove:")


def test_a_half_made_cluster_is_made_anew(var: Path, supervisor: Supervisor) -> None:
    other = var / "other"
    draft = other / "postgres" / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18")
    server = Postgres(other / "postgres", other / "secrets", is_quiet=True)

    server.prepare()
    supervisor.start(server.program())
    wait_for(supervisor, "postgres", server)

    assert not draft.exists()


def test_a_lost_password_is_told_before_anything_is_tried(var: Path) -> None:
    data = var / "lost" / "data"
    data.mkdir(parents=True)

    with pytest.raises(Failure, match="postgres-admin is gone: without that password nobody gets into the database"):
        Postgres(data.parent, var / "lost-secrets")


def test_given_servers_that_cannot_be_reached_are_named_without_their_password() -> None:
    with pytest.raises(Failure) as postgres:
        given_postgres("postgres://ann:secret@127.0.0.1:1/grove")
    with pytest.raises(Failure) as other:
        given_valkey("redis://:secret@127.0.0.1:1/0")

    assert "DATABASE_URL is set, but its database cannot be used" in str(postgres.value)
    assert "VALKEY_URL is set, but its server cannot be used" in str(other.value)
    assert "secret" not in f"{postgres.value} {other.value}"
