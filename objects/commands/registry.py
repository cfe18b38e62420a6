"""The registry: what commands there are, from the methods of kinds and facilities marked with `@command`.

Signature, types and docstring of a method make everything that any surface knows of it. What cannot be served is
refused when the kind is loaded (`WrongCommand`), not when a user calls it.
"""

import importlib
import inspect
import pkgutil
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

from objects.commands.bases import Facility, Kind
from objects.commands.declaring import WrongCommand
from objects.commands.spec import CommandSpec
from objects.commands.suggest import did_you_mean
from objects.commands.words import find_command
from teams.problems import NoSuch


class Registry:
    """Kinds, facilities and their commands, found by walking the packages `objects.kinds` and `objects.facilities`.

    further: modules or packages outside Grove that hold kinds too, set before the first use: `settings.KIND_PACKAGES`.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("objects.facilities", "objects.kinds")

    def __init__(self) -> None:
        self.further: tuple[str, ...] = ()
        self._kinds: dict[str, type[Kind[Any]]] = {}
        self._facilities: dict[str, type[Facility]] = {}
        self._own: dict[type, dict[str, CommandSpec]] = {}  # kind or facility -> its commands
        self._commands: dict[str, dict[str, CommandSpec]] = {}  # kind -> all that its objects can do
        self._alone: frozenset[str] | None = None
        self._large: frozenset[str] | None = None
        self._loaded = False
        self._loading = threading.RLock()

    def load(self) -> None:
        """Import every kind and facility; once. Raises WrongCommand where one cannot be served."""
        if self._loaded:
            return
        with self._loading:
            if not self._loaded:
                # A try that failed left some behind; the next begins anew, and fails for the same reason.
                self._kinds, self._facilities, self._own = {}, {}, {}
                self._find_all()
            self._loaded = True

    def _find_all(self) -> None:
        for package in (*self.PACKAGES, *self.further):
            for module in _modules(importlib.import_module(package)):
                for found in list(vars(module).values()):
                    if _is_registrable(found) and found.__module__ == module.__name__:
                        self.add(found)
        self._check_examples()

    @classmethod
    def of(cls, *owners: type[Kind[Any]] | type[Facility]) -> "Registry":
        """Make a registry of exactly these, for tests."""
        made = cls()
        made._loaded = True
        for owner in owners:
            made.add(owner)
        made._check_examples()
        return made

    def add(self, owner: type[Kind[Any]] | type[Facility]) -> None:
        """Register a kind or a facility with its commands."""
        is_facility = issubclass(owner, Facility)
        known: Mapping[str, type] = self._facilities if is_facility else self._kinds
        noun = "facility" if is_facility else "kind"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", owner.name):
            raise WrongCommand(f"{owner.__module__}.{owner.__name__}: '{owner.name}' is not a name for a {noun}: "
                               "small letters, digits and _, beginning with a letter.")  # fmt: skip
        if (other := known.get(owner.name)) is not None:
            raise WrongCommand(f"{owner.__module__}.{owner.__name__}: the {noun} '{owner.name}' is already "
                               f"{other.__module__}.{other.__name__}.")  # fmt: skip
        if not (owner.__doc__ or "").strip():
            raise WrongCommand(
                f"{owner.__module__}.{owner.__name__}: a {noun} has a docstring: its purpose in one line."
            )
        specs: dict[str, CommandSpec] = {}
        for method in _marked(owner):
            spec = CommandSpec(owner, method, method.__dict__["__command__"])
            if (twin := specs.get(spec.name)) is not None:
                raise WrongCommand(f"{spec.where}: the command '{spec.name}' is already {twin.where}.")
            specs[spec.name] = spec
        self._own[owner] = specs
        if issubclass(owner, Facility):
            self._facilities[owner.name] = owner
        else:
            self._kinds[owner.name] = owner
        self._commands.clear()
        self._alone = None
        self._large = None

    @property
    def kinds(self) -> Mapping[str, type[Kind[Any]]]:
        """Every kind by its name, sorted."""
        self.load()
        return MappingProxyType(dict(sorted(self._kinds.items())))

    @property
    def facilities(self) -> Mapping[str, type[Facility]]:
        """Every facility by its name, sorted."""
        self.load()
        return MappingProxyType(dict(sorted(self._facilities.items())))

    def kind(self, name: str) -> type[Kind[Any]]:
        """Find a kind; raises NoSuch."""
        if not self._loaded:
            self.load()
        found = self._kinds.get(name)
        if found is None:
            raise NoSuch(
                f"no kind '{name[:60]}'.{did_you_mean(name, self._kinds)} Kinds: {', '.join(sorted(self._kinds))}."
            )
        return found

    def facility(self, name: str) -> type[Facility]:
        """Find a facility; raises NoSuch."""
        if not self._loaded:
            self.load()
        found = self._facilities.get(name)
        if found is None:
            raise NoSuch(f"no facility '{name[:60]}'.{did_you_mean(name, self._facilities)}")
        return found

    def own_commands(self, owner: type[Kind[Any]] | type[Facility]) -> Mapping[str, CommandSpec]:
        """Give the commands of one kind or facility alone, in the order they were written."""
        self.load()
        return MappingProxyType(self._own[owner])

    def commands(self, kind_name: str) -> Mapping[str, CommandSpec]:
        """Give all that an object of a kind can do: the kind's own commands first, then the facilities'. Kept."""
        found = self._commands.get(kind_name)
        if found is None:
            kind = self.kind(kind_name)
            found = dict(self.own_commands(kind))
            if kind.front:
                for spec in map(CommandSpec.put_in_front, self.own_commands(self.facility(kind.front)).values()):
                    found.setdefault(spec.name, spec)
            for facility in self.facilities.values():
                for name, spec in self.own_commands(facility).items():
                    if (twin := found.get(name)) is not None:
                        raise WrongCommand(f"{twin.where}: '{name}' is a command of every object: {spec.where}.")
                    found[name] = spec
            self._commands[kind_name] = found
        return found

    def command(self, kind_name: str, command_name: str) -> CommandSpec:
        """Find a command of a kind in two look-ups; raises NoSuch with the nearest name."""
        try:
            return self._commands[kind_name][command_name]
        except KeyError:
            commands = self.commands(kind_name)
        spec = commands.get(command_name)
        if spec is None:
            near = did_you_mean(command_name, commands)
            raise NoSuch(f"no command '{command_name[:60]}' on objects of kind {kind_name}.{near} `help` lists them.")
        return spec

    def reads(self, kind_name: str, command_name: str) -> bool:
        """Whether a command only reads; False where there is no such command."""
        try:
            return self._commands[kind_name][command_name].verb == "reads"
        except KeyError:
            try:
                return self.command(kind_name, command_name).verb == "reads"
            except NoSuch:
                return False

    def is_alone(self, command_name: str) -> bool:
        """Whether a command of this name, of any kind, must have its batch for itself."""
        if self._alone is None:
            self.load()
            self._alone = frozenset(spec.name for specs in self._own.values() for spec in specs.values() if spec.alone)
        return command_name in self._alone

    def is_large(self, command_name: str) -> bool:
        """Whether a command of this name, of any kind, takes large files and long."""
        if self._large is None:
            self.load()
            self._large = frozenset(spec.name for specs in self._own.values() for spec in specs.values() if spec.large)
        return command_name in self._large

    def _check_examples(self) -> None:
        kinds: Sequence[str] = sorted(self._kinds)
        for owner in (*self._facilities.values(), *self._kinds.values()):
            names = [owner.name] if issubclass(owner, Kind) else kinds
            for spec in self._own[owner].values():
                for example in spec.examples:
                    if not any(find_command(self._unloaded(name), example.line) for name in names):
                        raise WrongCommand(f"{spec.where}: the example '{example.line}' is of no command.")

    def _unloaded(self, kind_name: str) -> Mapping[str, CommandSpec]:
        owners = (self._kinds[kind_name], *self._facilities.values())
        return {name: spec for owner in owners for name, spec in self._own[owner].items()}


def _modules(package: ModuleType) -> list[ModuleType]:
    within = getattr(package, "__path__", ())  # a plain module has none
    names = sorted(each.name for each in pkgutil.walk_packages(within, package.__name__ + "."))
    return [package, *map(importlib.import_module, names)]


def _is_registrable(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Kind | Facility) and not inspect.isabstract(found)


def _marked(owner: type) -> list[Callable[..., Any]]:
    """Find the methods marked as commands, those of a base first; who overrides one marks it again, or it is none."""
    found: dict[str, Callable[..., Any]] = {}
    for each in reversed(owner.__mro__):
        for name, member in vars(each).items():
            if callable(member) and "__command__" in getattr(member, "__dict__", {}):
                found[name] = member
            else:
                found.pop(name, None)
    return list(found.values())


registry = Registry()
"""The one that every surface asks."""
