"""The unprivileged user that Postgres runs as when Grove is started by root: Postgres refuses to run as root."""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.up.say import Failure, say

NAME = "grove-postgres"
OUTSIDE = Path("/var/lib/grove")  # for data, when root's checkout lies where nobody else may go


@dataclass(frozen=True)
class Owner:
    """Who runs a server; `ids` is None for whoever runs Grove."""

    ids: tuple[int, int] | None = None

    def own(self, path: Path, mode: int) -> None:
        """Make a directory of this owner, or put its rights right."""
        path.mkdir(parents=True, exist_ok=True)
        if self.ids:
            os.chown(path, *self.ids)
        path.chmod(mode)

    def can(self, *command: str) -> bool:
        """True when a command succeeds as this owner; used to ask the kernel what the owner may reach."""
        try:
            return self.run(command).returncode == 0
        except OSError:
            return False

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run a command as this owner, away from directories that it may not enter; its output is captured."""
        user, group = self.ids or (None, None)
        groups: list[int] | None = [] if self.ids else None
        return subprocess.run(
            command, user=user, group=group, extra_groups=groups, cwd="/", env={**os.environ, "LC_ALL": "C"},
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip


def owner_of_postgres() -> Owner:
    """Find or make the user: nobody is needed unless root runs Grove. Raises Failure when none can be made."""
    if os.geteuid() != 0:
        return Owner()
    try:
        found = pwd.getpwnam(NAME)
    except KeyError:
        if shutil.which("useradd") is None:
            raise Failure(
                f"Postgres does not run as root, and there is no user {NAME} nor `useradd` to make it. "
                "Start Grove as an ordinary user, or make that user."
            ) from None
        say(f"Started by root: making the system user {NAME} for Postgres, which does not run as root")
        shell = shutil.which("nologin") or "/usr/sbin/nologin"
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        made = subprocess.run([*command, "--shell", shell, NAME], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Failure(
                f"Postgres does not run as root, and its user could not be made: {made.stderr.strip()}. "
                "Start Grove as an ordinary user."
            ) from None
        found = pwd.getpwnam(NAME)
    return Owner((found.pw_uid, found.pw_gid))


def home_for(owner: Owner, wanted: Path) -> Path:
    """Give a directory that the owner can reach: the wanted one, or one under /var/lib that a link there names.

    A checkout in /root, which only root may enter, is the usual reason. A new link gets a new directory: data of a
    `var/` that was deleted is never taken for this one's.
    """
    if wanted.is_symlink() and wanted.exists():
        return wanted.resolve()
    if wanted.is_symlink():
        raise Failure(f"{wanted} should lead to Postgres's data, but {wanted.readlink()} is gone. Delete the link.")
    if owner.ids is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if owner.can("test", "-x", str(wanted.parent)):
        owner.own(wanted, 0o700)
        return wanted
    home = OUTSIDE / secrets.token_hex(4)
    say(f"Only root may enter {wanted.parent}: Postgres's data goes to {home} (linked as {wanted})")
    OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
    owner.own(home, 0o700)
    wanted.symlink_to(home)
    return home
