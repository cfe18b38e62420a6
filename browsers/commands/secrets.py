"""Secrets that macros type: set, and never shown."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from browsers.commands.base import Part
from browsers.macros.secrets import CHARS, Secrets
from objects.sdk import Help, Length, Moment, Secret, WrongArgument, command

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class SecretLine:
    """A secret, without it. works: it can be read here; one that came with a copy is to be set anew."""

    name: str
    works: bool
    changed_at: Moment
    by: str


class Hiding(Part):
    """Keeps secrets."""

    @command(reads=True)
    def secrets(self) -> list[SecretLine]:
        """List the secrets that macros here can type, without what they are.

        > browser secrets
        """
        return [
            SecretLine(each.name, each.is_ours, datetime.fromtimestamp(int(each.changed_at), UTC), each.by)
            for each in Secrets(self.context).all()
        ]

    @command
    def secret(
        self,
        name: Annotated[str, Help("of the secret parameter of macros that it is for")],
        value: Annotated[Secret, Length(0, CHARS), Help("left out with --off")] = "",
        *,
        off: Annotated[bool, Help("forget it")] = False,
    ) -> list[SecretLine]:
        """Keep a secret for macros: `browser play`, also from a schedule, types it where a macro asks for it by name.

        It is never shown again, and is locked in the object's file: a copy or an export has nothing of it but the name.
        Who may play macros here can have it typed into any page, so keep one that they may use.

        > browser secret password orchard
        name      works  …
        password  yes    …
        """
        if NAME.fullmatch(name) is None:
            raise WrongArgument("name", f"{name[:60]}: small letters, digits and _, a letter first, as in macros.")
        secrets = Secrets(self.context)
        if off:
            secrets.remove(name)
        elif not value:
            raise WrongArgument("value", "Give what it is, or --off to forget it.")
        else:
            secrets.put(name, value, self.context.limits.BROWSER_MACROS)
        return self.secrets()
