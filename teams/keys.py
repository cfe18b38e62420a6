"""SSH keys: read, registered by people, looked up for who connects.

A key belongs to one person; its SHA-256 fingerprint, as `ssh-keygen -l` prints it, is how it is found.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from django.db import close_old_connections
from django.utils import timezone

from teams.models import SshKey
from teams.problems import WrongArgument

ALGORITHMS = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
KEY_LETTERS = 4_096
SMALLEST_RSA_BYTES = 256  # 2,048 bits


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One line of an `authorized_keys` file, without options."""

    algorithm: str
    body: str  # base64
    comment: str
    fingerprint: str  # "SHA256:…"

    @property
    def line(self) -> str:
        """The key as it is kept: algorithm and body."""
        return f"{self.algorithm} {self.body}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read a public key as `~/.ssh/id_ed25519.pub` holds it. Raises WrongArgument, also for a private key."""
        if "PRIVATE KEY" in text:
            raise WrongArgument("key", "This is a private key: keep it to yourself. Send the file that ends in .pub.")
        words = text.strip()[:KEY_LETTERS].split(None, 2)
        if len(words) < 2 or words[0] not in ALGORITHMS or "\n" in text.strip():
            raise WrongArgument(
                "key", f"No public key: one line that begins with one of {', '.join(ALGORITHMS)} is needed."
            )
        try:
            body = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            raise WrongArgument(
                "key", "The key is damaged: its second word is not base64. Copy it once more."
            ) from None
        name = words[0].encode()
        if not body.startswith(len(name).to_bytes(4, "big") + name) or len(body) < len(name) + 36:
            raise WrongArgument("key", f"The key is damaged: it does not hold what {words[0]} announces.")
        if words[0] == "ssh-rsa" and len(body) < SMALLEST_RSA_BYTES:
            raise WrongArgument("key", "An RSA key below 2,048 bits can be broken. Make one: ssh-keygen -t ed25519")
        comment = words[2].strip() if len(words) > 2 else ""
        return cls(words[0], words[1], comment, fingerprint_of(body))


def fingerprint_of(body: bytes) -> str:
    """Give the fingerprint of a key's bytes, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")


def owner_of(fingerprint: str) -> int | None:
    """Find the person (by id) who registered a key and is active. Blocks for a query."""
    close_old_connections()
    try:
        keys = SshKey.objects.filter(fingerprint=fingerprint, person__is_active=True)
        return keys.values_list("person_id", flat=True).first()
    finally:
        close_old_connections()


def note_use(fingerprint: str) -> None:
    """Remember that somebody signed in with a key just now. Blocks for a query."""
    close_old_connections()
    try:
        SshKey.objects.filter(fingerprint=fingerprint).update(last_used_at=timezone.now())
    finally:
        close_old_connections()


def is_registered(fingerprint: str, *, person_id: int) -> bool:
    """Whether a key is still this person's. Blocks for a query."""
    close_old_connections()
    try:
        return SshKey.objects.filter(fingerprint=fingerprint, person_id=person_id, person__is_active=True).exists()
    finally:
        close_old_connections()
