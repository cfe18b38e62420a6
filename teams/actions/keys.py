"""SSH keys of a person."""

from django.conf import settings
from django.db import transaction

from teams.actions.change import NAME_LETTERS, clean_name
from teams.keys import PublicKey
from teams.models import Person, SshKey
from teams.problems import Conflict, NoSuch, OverLimit


def add_ssh_key(*, person: Person, key: str, name: str = "") -> SshKey:
    """Let a person open terminals with a key.

    key: as `~/.ssh/id_ed25519.pub` holds it. name: which key it is; its own comment where it is left out.
    Raises WrongArgument for what is no public key, Conflict for one that is registered already.
    """
    public = PublicKey.parse(key)
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person.pk)
        limit = settings.GROVE.PERSON_SSH_KEYS
        if person.ssh_keys.count() >= limit:
            raise OverLimit(f"{person} has {limit} SSH keys (limit PERSON_SSH_KEYS). Remove one first.")
        if SshKey.objects.filter(fingerprint=public.fingerprint).exists():
            raise Conflict(f"The key {public.fingerprint} is registered already. Use it, or make another one.")
        return SshKey.objects.create(
            person=person,
            name=clean_name((name or public.comment or public.algorithm)[:NAME_LETTERS]),
            key=public.line,
            fingerprint=public.fingerprint,
        )


def remove_ssh_key(*, person: Person, fingerprint: str) -> None:
    """End a key of a person: terminals that were opened with it end within two seconds."""
    removed, _ = person.ssh_keys.filter(fingerprint=fingerprint).delete()
    if not removed:
        raise NoSuch(f"{fingerprint}: {person} has no such SSH key.")
