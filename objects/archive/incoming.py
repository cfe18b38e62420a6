"""Files become objects: an SQLite file one, an archive a subtree. All of it or nothing, in the call's transaction.

Nothing in a file is trusted: each database passes `objects.storage.vetting` before a page of it is kept, each path,
kind, tag and setting the check that a user's own would pass, and the caller's rights are asked for every path.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings as installation
from psycopg import Connection

from objects.archive import form
from objects.commands.registry import registry
from objects.commands.types import Content
from objects.storage import pages, vetting
from objects.timing import index
from objects.timing.index import Due
from objects.tree import tree
from objects.tree.nodes import PAGE_BYTES, Node, sql
from objects.tree.paths import ObjectPath
from objects.tree.search import look
from teams.access import Caller, Role
from teams.problems import Conflict, NoSuch, NotAllowed, WrongArgument

WOKEN: Final = {"_schedule": "cron", "_message": "queue", "_durable": "steps"}  # facilities by a table of theirs
SQLITE_MAGIC: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came in: the top's path, how many objects, and the bytes of their SQLite files."""

    path: ObjectPath
    objects: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a file comes in, and on whose terms.

    above: the path of the object beneath which it comes. most_bytes: the largest SQLite file.
    authorize: raises where the caller may not change a path; `authorize_settings` where not its settings.
    """

    connection: Connection[Any]
    schema: str
    above: str
    now: float
    caller: Caller
    most_bytes: int
    authorize: Callable[[str], None]
    authorize_settings: Callable[[str], None]

    def take(self, content: Content, *, name: str, kind: str, replace: bool) -> Arrived:
        """Make what the file holds. name: of the new object; "" takes the file's own.

        Raises Conflict where there is such an object; with `replace` that goes to the trash with all beneath it.
        Raises WrongArgument for what is neither a sound database nor a sound archive.
        """
        head = next(content.chunks(form.BLOCK), b"")
        if form.is_archive(head):
            return self._archive(content, name, replace=replace)
        if head and not head.startswith(SQLITE_MAGIC):
            raise WrongArgument(
                "content",
                "This is neither an SQLite file nor an archive of Grove; `export` makes both. Nothing was changed.",
            )
        name = name or Path(content.name).stem
        if not name:
            raise WrongArgument("as", "Say what the new object is called: --as NAME.")
        top = self._top(name)
        self._make_room(top, replace=replace)
        node = self._created(top, kind, "kind")
        with vetting.Vetter(most_bytes=self.most_bytes) as vetter:
            size_bytes = self._filled(node, content.chunks(), vetter)
        return Arrived(top, 1, size_bytes)

    def _archive(self, content: Content, name: str, *, replace: bool) -> Arrived:
        reader = form.Reader(
            content.open(),
            field="content",
            object_bytes=self.most_bytes,
            objects=installation.GROVE.TREE_OBJECTS,
        )
        name = name or reader.path.rpartition("/")[2]
        if not name:
            raise WrongArgument("as", "The archive is of a whole team, which has no name. Say one: --as NAME.")
        top = self._top(name)
        self._make_room(top, replace=replace)
        count = size_bytes = 0
        with vetting.Vetter(most_bytes=self.most_bytes) as vetter:
            for about in reader.objects():
                path = self._path(top, about.path, is_first=not count)
                node = self._created(path, about.kind, "content")
                self._describe(node, about)
                if about.bytes:
                    size_bytes += self._filled(node, reader.file_chunks(), vetter)
                count += 1
        if not count:
            raise WrongArgument("content", "This archive holds no object. Nothing was changed.")
        return Arrived(top, count, size_bytes)

    def _top(self, name: str) -> ObjectPath:
        return ObjectPath.parse(ObjectPath.parse(self.above).below + ObjectPath.named(name, "as"), "as")

    def _path(self, top: ObjectPath, relative: str, *, is_first: bool) -> ObjectPath:
        if is_first:
            if relative:
                raise WrongArgument("content", "This archive does not begin with its top. Nothing was changed.")
            return top
        try:
            path = ObjectPath.parse(top.below + relative)
        except WrongArgument as problem:
            raise WrongArgument("content", f"A path in this archive: {problem.detail} Nothing was changed.") from None
        if path != top.below + relative or path == top:
            raise WrongArgument(
                "content", f"'{relative[:80]}' in this archive is no path in its one form. Nothing was changed."
            )
        return path

    def _make_room(self, top: ObjectPath, *, replace: bool) -> None:
        self.authorize(top)
        if look(self.connection, self.schema, top) is None:
            return
        if not replace:
            raise Conflict(
                f"There is {top} already. Import under another name with --as, or say --replace: what is there goes"
                " to the trash then, with all beneath it.",
                paths=[str(top)],
            )
        for path, _ in self.caller.grants:
            if ObjectPath.parse(path).is_under(top) and self.caller.role_at(path) < Role.EDITOR:
                raise NotAllowed(
                    f"import: replacing {top} needs the role editor on all beneath it; yours is less in places."
                )
        tree.trash(self.connection, self.schema, top, now=self.now)

    def _created(self, path: ObjectPath, kind: str, field: str) -> Node:
        try:
            registry.kind(kind)
        except NoSuch as problem:
            raise WrongArgument(field, f"{path}: {problem.detail} Nothing was changed.") from None
        self.authorize(path)
        # What was hidden from the one who exported is missing above what was not: plain objects stand in for it.
        with tree.within_sight(path, self.caller.sees):
            return tree.create(self.connection, self.schema, path, kind, parents=field == "content", now=self.now)

    def _describe(self, node: Node, about: form.About) -> None:
        try:
            if about.tags:
                tree.set_tags(self.connection, self.schema, node.path, about.tags)
            if about.settings:
                self.authorize_settings(node.path)
                tree.set_settings(self.connection, self.schema, node.path, about.settings)
        except WrongArgument as problem:
            raise WrongArgument("content", f"{node.path}: {problem.detail} Nothing was changed.") from None

    def _filled(self, node: Node, chunks: Iterable[bytes], vetter: vetting.Vetter) -> int:
        with tempfile.TemporaryDirectory(prefix="grove-import-") as folder:
            path = Path(folder) / "data.sqlite"
            with path.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            try:
                clean = vetter.vet(path)
            except WrongArgument as problem:
                raise WrongArgument("content", f"{node.path}: {problem.detail} Nothing was changed.") from None
            with clean:
                if not clean.page_count:
                    return 0
                bucket = int(self.now // installation.GROVE.HISTORY_BUCKET_S)
                page_count = pages.store(self.connection, self.schema, node.id, 1, clean.chunks(), bucket=bucket)
        self.connection.execute(
            sql(
                self.schema,
                "with filled as (update {s}.object set version = 1, pages = %s where id = %s returning id, pages)"
                # It is found by what it holds, though nobody called it yet.
                " insert into {s}.summary (object_id, errors, error, pages, version, state)"
                " select id, 0, '', pages, -1, '' from filled",
            ),
            (page_count, node.id),
        )
        # What came with the file runs with nobody's rights: each facility finds that out, and says so, once woken.
        woken = {(node.id, WOKEN[table]): Due(self.now, {}) for table in clean.own if table in WOKEN}
        if woken:
            index.write(self.connection, self.schema, woken)
        return page_count * PAGE_BYTES
