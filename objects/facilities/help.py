"""Help: what an object can do, asked in its own terminal."""

from typing import Annotated

from objects.sdk import Facility, Help, HelpPage, command, help_of, help_of_object, registry


class HelpFacility(Facility):
    """Tells what an object can do."""

    name = "help"

    @command(reads=True)
    def help(
        self,
        *command: Annotated[str, Help("a command or a facility, such as state set")],
        all: Annotated[bool, Help("spell out every command of every facility")] = False,  # noqa: A002 -- `--all` is what people type
    ) -> HelpPage:
        """Tell what this object can do, or what a command takes and gives.

        > help help
        help [command…] [--all]
        …
        """
        if command:
            return help_of(registry, self.context.kind, command)
        return help_of_object(registry, self.context.kind, self.context.path, full=all)
