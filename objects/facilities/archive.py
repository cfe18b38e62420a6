"""Export and import: an object as one SQLite file, a subtree as one archive.

The file of an object opens in the `sqlite3` tool. The archive's form is in `objects.archive.form`.
"""

from dataclasses import dataclass
from typing import Annotated

from objects.archive import outgoing
from objects.archive.incoming import Arrival
from objects.sdk import Content, Download, Facility, Help, Role, Size, command


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made."""

    name: str
    objects: int
    size: Size


class Export(Facility):
    """Gives objects as files."""

    name = "export"

    @command(reads=True, alone=True)
    def export(
        self, *, subtree: Annotated[bool, Help("with all objects beneath it, as one archive")] = False
    ) -> Download:
        """Give this object as an SQLite file, or it and all beneath it as an archive.

        What you may not see is left out of an archive.

        > export
        ….sqlite  application/vnd.sqlite3  4.1kB
        > export --subtree
        ….tar  application/x-tar  …kB
        """
        access, path = self.context.pg, self.context.path
        name = path.rpartition("/")[2] or "root"
        if subtree:
            file = outgoing.archive(access.reader, access.schema, path, self.context.caller)
            return Download(f"{name}.tar", file.chunks, content_type="application/x-tar", size=file.size_bytes)
        file = outgoing.object_file(access.reader, access.schema, path)
        return Download(f"{name}.sqlite", file.chunks, content_type="application/vnd.sqlite3", size=file.size_bytes)


class Import(Facility):
    """Makes objects of files."""

    name = "import"

    @command(name="import", alone=True, large=True)
    def import_(
        self,
        content: Annotated[Content, Help("an SQLite file, or an archive that `export` made")],
        *,
        as_: Annotated[str, Help("name of the new object; the file's own where it is left out")] = "",
        kind: Annotated[str, Help("what the object of an SQLite file is; an archive tells itself")] = "object",
        replace: Annotated[bool, Help("put what has that name into the trash first")] = False,
    ) -> Imported:
        """Make an object beneath this one of an SQLite file, or a subtree of an archive. All of it or nothing.

        An empty file is a database without tables.

        > import "" --as seeds
        name seeds  objects 1  size 0B
        """
        context = self.context
        arrival = Arrival(
            connection=context.pg.connection,
            schema=context.pg.schema,
            above=context.path,
            now=context.now,
            caller=context.caller,
            most_bytes=context.settings.quota_bytes,
            authorize=lambda path: context.authorize(path, command="import", verb="changes", needs=Role.EDITOR),
            authorize_settings=lambda path: context.authorize(path, command="import", verb="changes", needs=Role.ADMIN),
        )
        arrived = arrival.take(content, name=as_, kind=kind, replace=replace)
        context.emit("tree", {"imported": arrived.path, "objects": arrived.objects})
        return Imported(arrived.path.name, arrived.objects, arrived.size_bytes)
