"""The tree: an object among others. Creates, finds, moves, copies and deletes objects; tags and settings.

Each command is about the object that it is called on and what is beneath it. What the caller may not see is in no list
and in no count. Every change is told on the topic "tree".
"""

from dataclasses import dataclass
from typing import Annotated, Any

from objects.sdk import (
    Between,
    Conflict,
    Facility,
    Help,
    Json,
    Moment,
    NotAllowed,
    ObjectPath,
    RelativePath,
    Role,
    Size,
    Tab,
    command,
    effect_of,
    registry,
    show_bytes,
)
from objects.tree import tree
from objects.tree.paths import ObjectPath as TreePath

Limit = Annotated[int, Between(1, 1_000), Help("how many at most")]
Place = Annotated[RelativePath, Help("a path; one without a slash in front begins where this object is")]
Tag = Annotated[str, Help("a lower-case word of letters, digits and _ . : = + -")]
Deleted = Annotated[str, Help("its path when it was deleted, or its number in the trash")]


@dataclass(frozen=True, slots=True)
class Item:
    """An object in a list. Children are counted to 1,000."""

    path: ObjectPath
    name: str
    kind: str
    tags: list[str]
    children: int
    size: Size
    changed_at: Moment
    paused: bool


@dataclass(frozen=True, slots=True)
class Items:
    """Some objects in order."""

    objects: list[Item]
    next: str | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class FoundItem(Item):
    """An object that was found. What its calls say of it is up to a few seconds behind.

    called_at: its latest call that changed something or failed. errors: failed calls, counted to 1,000. error: of the
    latest of these.
    """

    called_at: Moment | None
    errors: int
    error: str


@dataclass(frozen=True, slots=True)
class FoundItems:
    """Some objects in order."""

    objects: list[FoundItem]
    next: str | None  # hand it in as `after` for what follows; null when that was all


@dataclass(frozen=True, slots=True)
class Description:
    """All about one object. `settings` are those set here, `effective` all that are in force.

    called_at, errors, error: as `tree find` tells them, up to a few seconds behind.
    """

    path: ObjectPath
    name: str
    kind: str
    tags: list[str]
    settings: dict[str, float | str]
    effective: dict[str, float | str]
    children: int
    size: Size
    version: int
    created_at: Moment
    changed_at: Moment
    paused_at: Moment | None
    called_at: Moment | None
    errors: int
    error: str


@dataclass(frozen=True, slots=True)
class Created:
    """A new object."""

    path: ObjectPath
    kind: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Where something is now, and how many objects came along, itself included."""

    path: ObjectPath
    objects: int


@dataclass(frozen=True, slots=True)
class Paused:
    """How many objects were paused, or go on."""

    objects: int


@dataclass(frozen=True, slots=True)
class TrashItem:
    """Something in the trash: its path when it was deleted, and how much went with it."""

    number: int
    path: ObjectPath
    kind: str
    objects: int
    size: Size
    deleted_at: Moment


@dataclass(frozen=True, slots=True)
class TrashItems:
    """What was deleted, the latest first."""

    deleted: list[TrashItem]
    next: int | None  # hand it in as `before` for what was deleted earlier; null when that was all


@dataclass(frozen=True, slots=True)
class Erased:
    """What is gone for good."""

    objects: int
    size: Size


@dataclass(frozen=True, slots=True)
class Measured:
    """How much there is."""

    objects: int
    size: Size


@dataclass(frozen=True, slots=True)
class SettingsHere:
    """`here`: what is set at this object. `effective`: all that is in force, inherited or by default."""

    here: dict[str, float | str]
    effective: dict[str, float | str]


class Tree(Facility):
    """Places objects among each other."""

    name = "tree"
    tab = Tab("Settings", order=1_000, name="settings")

    @command
    def create(
        self,
        name: Annotated[str, Help("its name; or a path from here, with --parents")],
        kind: Annotated[str, Help("what it is")] = "object",
        *,
        parents: Annotated[bool, Help("make what is missing above it, as plain objects")] = False,
    ) -> Created:
        """Create an object beneath this one.

        > tree create report
        path …/report  kind object
        """
        path = self.here.joined(name, "name")
        if not path.is_under(self.here):
            raise Conflict(f"{path} is not beneath {self.here}. Call tree.create on the object that it shall be in.")
        self.context.authorize(path, command="tree.create", needs=Role.EDITOR)
        registry.kind(kind)
        with tree.within_sight(path, self.context.caller.sees):
            node = tree.create(*self.pg, path, kind, parents=parents, now=self.context.now)
        self.context.emit("tree", {"created": str(node.path), "kind": kind})
        return Created(str(node.path), kind)

    @command(reads=True)
    def describe(self) -> Description:
        """Tell all about this object.

        > tree describe
        path …
        kind        object
        …
        """
        about = tree.describe(*self.pg, self.here, sight=self.sight)
        return Description(
            path=about.path,
            name=about.name,
            kind=about.kind,
            tags=about.tags,
            settings=about.settings,
            effective=about.effective,
            children=about.children,
            size=about.size_bytes,
            version=about.version,
            created_at=about.created_at,
            changed_at=about.changed_at,
            paused_at=about.paused_at,
            called_at=about.called_at,
            errors=about.errors,
            error=about.error,
        )

    @command(name="list", reads=True)
    def list_(
        self,
        *,
        after: Annotated[str | None, Help("only names after this; `next` of the answer before")] = None,
        limit: Limit = 100,
    ) -> Items:
        """List what is right beneath this object, by name.

        > tree create report
        path …/report  kind object
        > tree list
        path …/report …
        """
        entries = tree.children(*self.pg, self.here, after=after, limit=limit, sight=self.sight)
        return Items([_item(entry) for entry in entries], entries[-1].name if len(entries) == limit else None)

    @command(reads=True)
    def find(  # noqa: PLR0913 -- what may be asked for, each by its name
        self,
        part: Annotated[str | None, Help("a part of its path that reaches into its own name")] = None,
        *,
        kind: Annotated[str | None, Help("what it is")] = None,
        tag: Annotated[str | None, Help("a tag that it has")] = None,
        state: Annotated[str | None, Help("a part of a key=value of its state")] = None,
        error: Annotated[str | None, Help("a part of what its latest failed call was refused with; * for any")] = None,
        paused: Annotated[bool, Help("only what is paused")] = False,
        near: Annotated[bool, Help("only what is right beneath")] = False,
        sort: Annotated[tree.Sort, Help("by path; or the largest, the last called, the most errors first")] = "path",
        after: Annotated[str | None, Help("go on behind this: `next` of the answer before")] = None,
        limit: Limit = 100,
    ) -> FoundItems:
        """Find objects beneath this one, at any depth. All that is asked for must be so.

        State, errors and the last call are known a few seconds after they change.

        > tree create annual-report
        path …/annual-report  kind object
        > tree find report
        path …/annual-report …
        """
        found = tree.find(
            *self.pg, part=part, kind=kind, tag=tag, state=state, error=error, paused=paused, near=near,
            sort=sort, under=self.here, after=after, limit=limit, sight=self.sight,
        )  # fmt: skip
        return FoundItems(
            [_found(entry) for entry in found], tree.place(found[-1], sort) if len(found) == limit else None
        )

    @command(alone=True)
    def move(self, to: Place) -> Placed:
        """Move this object with all beneath it, or rename it. The old path goes on telling where it went.

        > tree move renamed
        path …/renamed  objects 1
        """
        path = self._place(to)
        self._whole("tree.move", Role.EDITOR)
        self.context.authorize(path, command="tree.move", needs=Role.EDITOR)
        with tree.within_sight(path, self.context.caller.sees):
            placed = tree.move(*self.pg, self.here, path)
        self.context.emit("tree", {"moved": self.context.path, "to": placed.path, "objects": placed.objects})
        return Placed(placed.path, placed.objects)

    @command(alone=True)
    def copy(self, to: Place) -> Placed:
        """Copy this object with all beneath it, without its past.

        > tree copy twin
        path …/twin  objects 1
        """
        path = self._place(to)
        self._whole("tree.copy", Role.VIEWER)
        self.context.authorize(path, command="tree.copy", needs=Role.EDITOR)
        with tree.within_sight(path, self.context.caller.sees):
            placed = tree.copy(*self.pg, self.here, path, now=self.context.now)
        self.context.emit("tree", {"copied": self.context.path, "to": placed.path, "objects": placed.objects})
        return Placed(placed.path, placed.objects)

    @command(dangerous=True, alone=True)
    def delete(self) -> TrashItem:
        """Put this object with all beneath it into the trash.

        `tree restore`, called on an object above it, brings it back.

        > tree delete
        number …
        kind        object
        objects     1
        size        0B
        deleted_at  2026-05-17T09:30:00Z
        """
        self._whole("tree.delete", Role.EDITOR)
        item = tree.trash(*self.pg, self.here, now=self.context.now)
        self.context.emit("tree", {"deleted": item.path, "number": item.id, "objects": item.objects})
        return _trash_item(item)

    @effect_of(delete)
    def _delete_effect(self) -> str:
        self._whole("tree.delete", Role.EDITOR)
        there = tree.measure(*self.pg, self.here)
        return f"Puts {self.here} into the trash: {_amount(there)}."

    @command(reads=True)
    def trash(
        self,
        *,
        before: Annotated[int | None, Help("only what was deleted before this number")] = None,
        limit: Limit = 100,
    ) -> TrashItems:
        """List what was deleted beneath this object, the latest first.

        > import "" --as seeds
        …
        > import "" --as seeds --replace
        …
        > tree trash
        …/seeds …
        """
        items = tree.trashed(*self.pg, under=self.here, before=before, limit=limit, sight=self.sight)
        return TrashItems([_trash_item(item) for item in items], items[-1].id if len(items) == limit else None)

    @command(alone=True)
    def restore(self, what: Deleted, to: Place | None = None) -> Placed:
        """Bring back what was deleted, to where it was or to another path.

        > import "" --as seeds
        …
        > import "" --as seeds --replace
        …
        > tree restore seeds --to older
        path …/older  objects 1
        """
        item = self._deleted(what, "tree.restore", Role.EDITOR)
        path = None if to is None else self.here.joined(to, "to")
        self.context.authorize(path or item.path, command="tree.restore", needs=Role.EDITOR)
        if path is not None:
            self._whole("tree.restore", Role.EDITOR, TreePath.parse(item.path))
        placed = tree.restore(*self.pg, item.id, path, sees=self.context.caller.sees)
        self.context.emit("tree", {"restored": item.path, "to": placed.path, "objects": placed.objects})
        return Placed(placed.path, placed.objects)

    @command(dangerous=True, alone=True, role=Role.ADMIN)
    def erase(self, what: Deleted) -> Erased:
        """Erase something in the trash for good, with its past. Nothing brings it back.

        > import "" --as seeds
        …
        > import "" --as seeds --replace
        …
        > tree erase seeds
        objects 1  size 0B
        """
        item = self._deleted(what, "tree.erase", Role.ADMIN)
        gone = tree.erase(*self.pg, item.id)
        self.context.emit("tree", {"erased": item.path, "objects": gone.objects})
        return Erased(gone.objects, gone.size_bytes)

    @effect_of(erase)
    def _erase_effect(self, what: str) -> str:
        item = self._deleted(what, "tree.erase", Role.ADMIN)
        return f"Erases {item.path} for good: {_amount(item)}. Nothing brings it back."

    @command(dangerous=True, alone=True, role=Role.ADMIN)
    def empty(self) -> Erased:
        """Erase all that was deleted beneath this object for good, with its past. Nothing brings it back.

        > import "" --as seeds
        …
        > import "" --as seeds --replace
        …
        > tree empty
        objects 1  size 0B
        """
        objects = size_bytes = 0
        while items := tree.trashed(*self.pg, under=self.here, limit=1_000, sight=self.sight):
            for item in items:
                self.context.authorize(item.path, command="tree.empty", needs=Role.ADMIN)
                gone = tree.erase(*self.pg, item.id)
                objects, size_bytes = objects + gone.objects, size_bytes + gone.size_bytes
        self.context.emit("tree", {"emptied": self.context.path, "objects": objects})
        return Erased(objects, size_bytes)

    @effect_of(empty)
    def _empty_effect(self) -> str:
        there = tree.in_whole_trash(*self.pg, under=self.here, sight=self.sight)
        return f"Erases all that was deleted beneath {self.here} for good: {_amount(there)}. Nothing brings it back."

    @command(reads=True)
    def measure(self) -> Measured:
        """Count this object with all beneath it: how many objects, and the bytes of their files.

        > tree measure
        objects 1  size 0B
        """
        there = tree.measure(*self.pg, self.here, sight=self.sight)
        return Measured(there.objects, there.size_bytes)

    @command(alone=True)
    def pause(self) -> Paused:
        """Let nothing happen by itself in this object and all beneath it: schedules, alarms, queues and steps wait.

        Calls go on as ever, and so do tasks that were started. `tree resume` lets it go on.

        > tree pause
        objects 1
        """
        self._whole("tree.pause", Role.EDITOR)
        objects = tree.pause(*self.pg, self.here, now=self.context.now)
        if not objects:
            raise Conflict(f"{self.here} is paused already, with all beneath it. `tree resume` lets it go on.")
        self.context.emit("tree", {"paused": self.context.path, "objects": objects})
        return Paused(objects)

    @command(alone=True)
    def resume(self) -> Paused:
        """Let this object and all beneath it go on. What became due meanwhile is due at once.

        What a schedule makes up for of the runs that it missed, `cron` says of each.

        > tree pause
        objects 1
        > tree resume
        objects 1
        """
        self._whole("tree.resume", Role.EDITOR)
        objects = tree.resume(*self.pg, self.here)
        if not objects:
            raise Conflict(f"Nothing is paused at {self.here} or beneath it.")
        self.context.emit("tree", {"resumed": self.context.path, "objects": objects})
        return Paused(objects)

    @command(reads=True)
    def tags(self) -> list[str]:
        """Give the tags of this object.

        > tree tag urgent
        urgent
        > tree tags
        urgent
        """
        return tree.resolve(*self.pg, self.here).tags

    @command
    def tag(self, *tags: Tag) -> list[str]:
        """Add tags; gives all that this object has now.

        > tree tag urgent env:prod
        env:prod
        urgent
        """
        return self._tagged(tree.add_tags(*self.pg, self.here, tags))

    @command
    def untag(self, *tags: Tag) -> list[str]:
        """Take tags away; gives those that are left.

        > tree tag urgent env:prod
        env:prod
        urgent
        > tree untag urgent
        env:prod
        """
        return self._tagged(tree.remove_tags(*self.pg, self.here, tags))

    @command(reads=True)
    def settings(self) -> SettingsHere:
        """Give the settings: those set at this object, and all in force with what is inherited.

        > tree settings
        …
        """
        about = tree.describe(*self.pg, self.here, sight=self.sight)
        return SettingsHere(about.settings, about.effective)

    @command(alone=True, role=Role.ADMIN)
    def set(
        self,
        name: Annotated[str, Help("a setting, such as sql.rows")],
        value: Annotated[Json, Help("a number, text such as 10MB or 2s, or sites such as *.example.com")],
    ) -> SettingsHere:
        """Set a setting for this object and all beneath it that sets no other.

        > tree set sql.rows 500
        …
        """
        return self._set({name: value})

    @command(alone=True, role=Role.ADMIN)
    def unset(self, name: Annotated[str, Help("a setting that is set here")]) -> SettingsHere:
        """Take a setting away: what is above this object, or the default, is in force again.

        > tree set sql.rows 500
        …
        > tree unset sql.rows
        …
        """
        return self._set({name: None})

    # ---- What the commands share ----

    @property
    def here(self) -> TreePath:
        """The path of this object."""
        return TreePath.parse(self.context.path)

    @property
    def pg(self) -> tuple[Any, str]:
        """What each function of the tree begins with."""
        return self.context.pg.connection, self.context.pg.schema

    @property
    def sight(self) -> tree.Sight:
        """What the caller sees."""
        return tree.Sight.of(self.context.caller)

    def _place(self, to: str) -> TreePath:
        """Read where to; without a slash in front it begins at what this object is in."""
        return self.here.parent.joined(to, "to")

    def _whole(self, what: str, needs: Role, top: TreePath | None = None) -> None:
        """Refuse what would reach objects beneath this one, or `top`, where the caller has less than the role."""
        caller, top = self.context.caller, top or self.here
        for path, _ in caller.grants:
            if TreePath(path).is_under(top) and caller.role_at(path) < needs:
                raise NotAllowed(f"{what}: needs the role {needs.word} on all beneath {top}; yours is less in places.")

    def _deleted(self, what: str, command_name: str, needs: Role) -> tree.Trashed:
        """Find something in the trash where the caller has the role; hidden and absent are the same."""
        named = int(what) if what.isdecimal() and len(what) < 19 else self.here.joined(what, "what")
        item = tree.in_trash(*self.pg, named, sees=self.context.caller.sees)
        self.context.authorize(item.path, command=command_name, needs=needs)
        return item

    def _tagged(self, tags: list[str]) -> list[str]:
        self.context.emit("tree", {"tags": tags})
        return tags

    def _set(self, values: dict[str, object]) -> SettingsHere:
        here = tree.set_settings(*self.pg, self.here, values)
        self.context.emit("tree", {"settings": here})
        return self.settings()


def _item(entry: tree.Entry) -> Item:
    return Item(
        entry.path,
        entry.name,
        entry.kind,
        entry.tags,
        entry.children,
        entry.size_bytes,
        entry.changed_at,
        entry.is_paused,
    )


def _found(entry: tree.Found) -> FoundItem:
    return FoundItem(
        path=entry.path,
        name=entry.name,
        kind=entry.kind,
        tags=entry.tags,
        children=entry.children,
        size=entry.size_bytes,
        changed_at=entry.changed_at,
        paused=entry.is_paused,
        called_at=entry.called_at,
        errors=entry.errors,
        error=entry.error,
    )


def _trash_item(item: tree.Trashed) -> TrashItem:
    return TrashItem(item.id, item.path, item.kind, item.objects, item.size_bytes, item.trashed_at)


def _amount(there: tree.Measure | tree.Trashed) -> str:
    """Say how much there is: "214 objects, 3MB"."""
    return f"{there.objects:,} {'object' if there.objects == 1 else 'objects'}, {show_bytes(there.size_bytes)}"
