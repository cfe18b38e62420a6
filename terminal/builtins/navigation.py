"""Moving about in the tree, and changing it: an object is a directory."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from objects.commands.render import columns_of, visible
from objects.commands.shapes import ListShape, RecordShape, shape_of
from objects.commands.types import Between, Help, Json, Moment, ObjectPath, Size
from objects.tree.paths import ObjectPath as TreePath
from teams.problems import BadRequest, Conflict, NeedsConfirmation, NoSuch, Problem
from terminal import places
from terminal.builtins.base import Stage, builtin
from terminal.rendering import Style, branches, names_in_columns
from terminal.values import Flow

Anything = Annotated[str, Help("a path: an object, or files/…, state/…, db/… in one")]
AnObject = Annotated[str, Help("the path of an object")]
_COLOURS = {"file": "green", "folder": "yellow", "key": "magenta", "table": "magenta", "room": "yellow"}
MOST_LISTED = 100_000


def _row_shape() -> Any:
    from dataclasses import make_dataclass  # noqa: PLC0415 -- once, for the type below

    return shape_of(make_dataclass("Listed", [
        ("name", str), ("kind", str), ("size", Size | None), ("changed_at", Moment | None), ("children", int | None),
        ("path", ObjectPath), ("value", Json), ("tags", list[str]),
    ]))  # fmt: skip


ROW = _row_shape()


@builtin("navigation", always=True, takes=("objects",))
async def cd(
    stage: Stage, path: Annotated[str, Help("the object to be at; - is the one before; / without one")] = "/"
) -> Json:
    """Be at another object.

    > cd /
    > cd -
    …
    """
    shell = stage.shell
    target = shell.old_path if path == "-" else await _object(stage, path)
    await shell.go_to(target)
    return target if path == "-" else None


@builtin("navigation", always=True)
async def pwd(stage: Stage) -> Json:
    """Tell the path of the object that this is at.

    > pwd
    …
    """
    return stage.shell.path


@builtin(
    "navigation",
    always=True,
    short={"l": "long", "a": "all"},
    takes=("anything",),
    gives=("name", "kind", "size", "changed_at", "path"),
)
async def ls(
    stage: Stage,
    *paths: Anything,
    long: Annotated[bool, Help("a line each, with size and time")] = False,
    all: Annotated[bool, Help("also the rooms: files/, state/, db/")] = False,  # noqa: A002 -- `-a` is what people type
) -> Json:
    """List what is in objects: their children, then their files.

    An object is a directory. `ls state`, `ls db` and `ls files/photos` list what is in its rooms.

    > new object plans
    …
    > ls
    plans
    """
    rows: list[dict[str, Any]] = []
    for path in paths or (".",):
        if len(rows) > MOST_LISTED:
            break
        rows += [row async for row in _listed(stage, path, with_rooms=all, is_alone=len(paths) < 2)]
    keep = ("name", "kind", "size", "changed_at", "children") if long else ("name", "kind", "size", "changed_at")
    rows = [{name: row.get(name) for name in (*keep, "path", "value") if name in keep or name in row} for row in rows]
    shown = [{name: value for name, value in row.items() if name != "path"} for row in rows]
    shape = ListShape(ROW)
    if long or not stage.is_last:
        return Flow(shown if stage.is_last else rows, shape)
    return Flow(rows, shape, view=_names)


def _names(rows: Any, style: Style) -> str:
    names = [visible(row["name"]) for row in rows]
    return names_in_columns(names, style, [_COLOURS.get(row["kind"], "blue") for row in rows])


async def _listed(stage: Stage, path: str, *, with_rooms: bool, is_alone: bool) -> AsyncIterator[dict[str, Any]]:
    """Give the rows of one path of `ls`; names begin with the path where there are several."""
    place = await _place(stage, path)
    front = "" if is_alone else f"{path.rstrip('/')}/"
    if not place.room:
        rows = _object_rows(stage, place, with_rooms=with_rooms)
    elif place.room == "files":
        rows = _file_rows(stage, place, path)
    elif place.room in ("state", "db"):
        rows = _room_rows(stage, place)
    else:
        raise NoSuch(f"{visible(path[:60])}: objects have no such room here. Rooms: files, state, db.")
    async for row in rows:
        yield row | {"name": front + row["name"]}


async def _object_rows(stage: Stage, place: places.Place, *, with_rooms: bool) -> AsyncIterator[dict[str, Any]]:
    for room in ("files", "state", "db") if with_rooms else ():
        yield {"name": f"{room}/", "kind": "room", "path": f"{place.path.rstrip('/')}/{room}"}
    async for item in places.children(stage.world, place.path):
        yield item
    async for item in places.files(stage.world, place.path):
        yield _file_row(item, place.path)


async def _file_rows(stage: Stage, place: places.Place, typed: str) -> AsyncIterator[dict[str, Any]]:
    folder = place.name
    if folder and not folder.endswith("/"):
        try:
            yield _file_row((await stage.world.call(place.path, "files.info", {"name": folder})).value, place.path)
            return
        except NoSuch:
            folder += "/"
    is_there = not folder
    async for item in places.files(stage.world, place.path, folder):
        is_there = True
        yield _file_row(item, place.path, folder)
    if not is_there:
        raise NoSuch(f"{visible(typed[:60])}: there is no object and no file of this name.")


async def _room_rows(stage: Stage, place: places.Place) -> AsyncIterator[dict[str, Any]]:
    front = f"{place.path.rstrip('/')}/{place.room}/"
    if place.room == "state":
        async for item in places.keys(stage.world, place.path, place.name):
            yield {"name": item["key"], "kind": "key", "value": item["value"], "path": front + item["key"]}
        return
    for item in (await stage.world.call(place.path, "sql.tables", {})).value:
        if place.name in ("", item["name"]):
            yield {"name": item["name"], "kind": item["kind"], "value": item["columns"], "path": front + item["name"]}


def _file_row(item: dict[str, Any], path: str, folder: str = "") -> dict[str, Any]:
    name = item["name"].removeprefix(folder)
    kind = "folder" if item["name"].endswith("/") else "file"
    return {"name": name, "kind": kind, "size": item.get("size"), "changed_at": item.get("changed_at"),
            "path": f"{path.rstrip('/')}/files/{item['name']}"}  # fmt: skip


async def _place(stage: Stage, text: str) -> places.Place:
    try:
        return await places.find(stage.world, stage.shell.path, text)
    except Problem as problem:
        problem.extra["column"] = stage.column_of(text)
        raise


async def _object(stage: Stage, text: str) -> str:
    try:
        return await places.object_at(stage.world, stage.shell.path, text)
    except Problem as problem:
        problem.extra["column"] = stage.column_of(text)
        raise


@builtin("navigation", short={"L": "levels"}, takes=("objects",))
async def tree(
    stage: Stage, path: AnObject = ".", *, levels: Annotated[int, Between(1, 64), Help("how deep")] = 64
) -> Json:
    """Draw what is beneath an object.

    > mkdir a/b
    …
    > tree
    …
    └── a
        └── b
    """
    top = await _object(stage, path)
    rows: list[dict[str, Any]] = [{"path": top, "kind": await stage.world.kind_of(top), "depth": 0}]
    base = TreePath(top).depth
    async for item in places.below(stage.world, top):
        depth = item["path"].count("/") - base
        if depth <= levels:
            rows.append({"path": item["path"], "kind": item["kind"], "depth": depth})
        if len(rows) > MOST_LISTED:
            break
    # "/a-b" sorts before "/a/b" as text, but not in a tree.
    rows.sort(key=lambda row: row["path"].split("/") if row["path"] != "/" else [""])

    def drawn(found: Any, style: Style) -> str:
        labels = []
        for row in found:
            name = visible(row["path"] if row["depth"] == 0 else row["path"].rsplit("/", 1)[1])
            kind = "" if row["kind"] == "object" else "  " + style.paint(visible(row["kind"]), "dim")
            labels.append((row["depth"], style.paint(name, "blue") + kind))
        return branches(labels, style)

    return Flow(rows, view=drawn)


@builtin("navigation", takes=("objects",), gives=("path", "kind", "tags", "size", "changed_at"))
async def find(
    stage: Stage,
    path: AnObject = ".",
    *,
    name: Annotated[str, Help("a part of the path that reaches into the object's own name")] = "",
    kind: Annotated[str, Help("what it is")] = "",
    tag: Annotated[str, Help("a tag that it has")] = "",
) -> Json:
    """Find objects beneath an object, at any depth.

    > new object annual-report
    …
    > find . --name report | count
    1
    """
    top = await _object(stage, path)
    asked = {"part": name or None, "kind": kind or None, "tag": tag or None}

    async def found() -> AsyncIterator[Any]:
        async for item in places.below(stage.world, top, **asked):
            yield {field: item[field] for field in ("path", "kind", "tags", "size", "changed_at")}

    return Flow(items=found(), shape=ROW)


@builtin("navigation", takes=("objects",))
async def info(stage: Stage, path: AnObject = ".") -> Json:
    """Tell all about an object.

    > info
    path …
    …
    """
    answer = await stage.world.call(await _object(stage, path), "tree.describe", {})
    return Flow(answer.value, answer.spec.result_shape)


@builtin("navigation", takes=("anything",))
async def stat(stage: Stage, path: Anything = ".") -> Json:
    """Tell what a path is, how large, and when it changed: an object, a file, a key or a table.

    > state set colour red
    …
    > stat state/colour
    path …/state/colour
    kind   key
    value  red
    """
    place = await _place(stage, path)
    if not place.room:
        return await info(stage, path)
    if place.room == "files" and place.name and not place.name.endswith("/"):
        answer = await stage.world.call(place.path, "files.info", {"name": place.name})
        return Flow({"path": place.text, "kind": "file"} | {k: v for k, v in answer.value.items() if k != "name"}, ROW)
    if place.room == "state" and place.name:
        value = (await stage.world.call(place.path, "state.get", {"key": place.name})).value
        return Flow({"path": place.text, "kind": "key", "value": value}, view=_stat_lines)
    if place.room == "db" and place.name:
        for table in (await stage.world.call(place.path, "sql.tables", {})).value:
            if table["name"] == place.name:
                return {"path": place.text} | {k: v for k, v in table.items() if k != "name"}
        raise NoSuch(f"{place.name}: no such table. `ls db` shows those that there are.")
    return {
        "path": place.text,
        "kind": "room",
        "entries": len(await places.room_names(stage.world, place.path, place.room)),
    }


def _stat_lines(value: Any, style: Style) -> str:
    from objects.commands.shapes import compact  # noqa: PLC0415 -- one function of it

    widest = max(map(columns_of, value))
    return "\n".join(
        f"{style.paint(f'{name:{widest}}', 'cyan')}  {visible(compact(each))}" for name, each in value.items()
    )


@builtin("navigation", always=True, short={"p": "parents"}, takes=("kinds", "objects"))
async def new(
    stage: Stage,
    kind: Annotated[str, Help("what it is to be")],
    path: AnObject,
    *,
    parents: Annotated[bool, Help("make what is missing above it, as plain objects")] = False,
) -> Json:
    """Make an object.

    > new object plans
    path …/plans  kind object
    """
    return await _made(stage, kind, path, parents=parents)


@builtin("navigation", short={"p": "parents"}, takes=("objects",))
async def mkdir(
    stage: Stage,
    path: AnObject,
    *,
    parents: Annotated[bool, Help("taken for those used to it: what is missing above is always made")] = True,
) -> Json:
    """Make a plain object, and what is missing above it.

    > mkdir plans/2027
    path …/plans/2027  kind object
    """
    return await _made(stage, "object", path, parents=parents)


async def _made(stage: Stage, kind: str, path: str, *, parents: bool) -> Flow:
    try:
        target = TreePath.parse(stage.shell.path).joined(path)
        above = target.parent
        while parents and not await _is_object(stage, above):
            above = above.parent
        name = target[len(above.below) :]
        answer = await stage.world.call(above, "tree.create", {"name": name, "kind": kind, "parents": parents})
    except Problem as problem:
        problem.extra["column"] = stage.column_of(kind if problem.detail.startswith("no kind") else path)
        raise
    return Flow(answer.value, answer.spec.result_shape)


async def _is_object(stage: Stage, path: str) -> bool:
    try:
        await stage.world.kind_of(path)
    except NoSuch:
        return path == "/"
    return True


@builtin("navigation", takes=("anything",))
async def mv(
    stage: Stage, *paths: Annotated[str, Help("what moves, then where to")],
    replace: Annotated[bool, Help("files that are there are replaced")] = False,
) -> Json:  # fmt: skip
    """Move or rename objects, with all beneath them, or files. What is moved to an object that is there goes into it.

    > mkdir old
    …
    > mv old renamed
    path …/renamed  objects 1
    """
    sources, target = _sources(stage, paths)
    return await _each_placed(stage, sources, target, "move", replace=replace)


@builtin("navigation", takes=("anything",))
async def cp(
    stage: Stage, *paths: Annotated[str, Help("what is copied, then where to")],
    replace: Annotated[bool, Help("files that are there are replaced")] = False,
) -> Json:  # fmt: skip
    """Copy objects, with all beneath them, or files.

    > mkdir plans
    …
    > cp plans twin
    path …/twin  objects 1
    """
    sources, target = _sources(stage, paths)
    return await _each_placed(stage, sources, target, "copy", replace=replace)


def _sources(stage: Stage, paths: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    if len(paths) < 2:
        raise BadRequest(f"{stage.name}: name what, then where to: `{stage.name} old new`.")
    return paths[:-1], paths[-1]


async def _each_placed(stage: Stage, sources: tuple[str, ...], target: str, how: str, *, replace: bool) -> Flow:
    last = Flow()
    for source in sources:
        try:
            last = await _placed(stage, source, target, how, several=len(sources) > 1, replace=replace)
        except Problem as problem:
            problem.extra["column"] = stage.column_of(source)
            raise
    return last


async def _placed(stage: Stage, source: str, target: str, how: str, *, several: bool, replace: bool) -> Flow:
    world, here = stage.world, stage.shell.path
    place, goal = await places.find(world, here, source), await places.find(world, here, target)
    if not place.room:
        path = TreePath.parse(here).joined(target)
        if not goal.room:
            path = path.joined(TreePath(place.path).name)
        elif several:
            raise NoSuch(
                f"{path}: no such object, so several cannot go into it. `mkdir {visible(target[:40])}` makes it."
            )
        answer = await world.call(place.path, f"tree.{how}", {"to": str(path)})
        if how == "move" and TreePath.parse(stage.shell.path).is_under(place.path):
            await stage.shell.go_to(str(TreePath.parse(stage.shell.path).rebased(place.path, str(path))))
        return Flow(answer.value, answer.spec.result_shape)
    if place.room != "files" or not place.name:
        raise Conflict(
            f"{visible(source[:60])}: only objects and files can be {'moved' if how == 'move' else 'copied'} so."
        )
    short = place.name.rstrip("/").rsplit("/", 1)[-1]
    if not goal.room or (goal.room == "files" and (not goal.name or goal.name.endswith("/"))):
        name = (goal.name if goal.room else "") + short
    elif goal.room == "files":
        name = goal.name
    else:
        raise Conflict(
            f"{visible(target[:60])}: files go into files. `cat {visible(source[:40])} | save …` puts text elsewhere."
        )
    if how == "move" and goal.path == place.path:
        slash = "/" if place.name.endswith("/") else ""
        await world.call(place.path, "files.move", {"old": place.name, "new": name + slash, "replace": replace})
        return Flow()
    content = (await world.call(place.path, "files.get", {"name": place.name})).value.plain()["base64"]
    asked = {"name": name, "content": {"base64": content}, "new": not replace}
    answer = await world.call(goal.path, "files.put", asked)
    if how == "move":
        await world.call(place.path, "files.delete", {"names": [place.name]})
    return Flow(answer.value, answer.spec.result_shape)


@builtin("navigation", always=True, short={"y": "yes", "r": "recursive", "f": "yes"}, takes=("anything",))
async def rm(
    stage: Stage,
    *paths: Anything,
    yes: Annotated[bool, Help("do not ask")] = False,
    recursive: Annotated[bool, Help("taken for those used to it: all beneath an object goes with it")] = False,  # noqa: ARG001
) -> Json:
    """Put objects, with all beneath them, into the trash; delete files and keys. Asks first for objects.

    `restore` brings an object back.

    > mkdir plans
    …
    > rm plans --yes
    …
    """
    if not paths:
        raise BadRequest("rm: name what is to go.")
    last = Flow()
    for path in paths:
        try:
            last = await _removed(stage, path, yes=yes)
        except Problem as problem:
            problem.extra.setdefault("column", stage.column_of(path))
            raise
    return last


async def _removed(stage: Stage, path: str, *, yes: bool) -> Flow:
    world, shell = stage.world, stage.shell
    place = await places.find(world, shell.path, path)
    if place.room == "files" and place.name:
        await world.call(place.path, "files.delete", {"names": [place.name]})
        return Flow()
    if place.room == "state" and place.name:
        await world.call(place.path, "state.delete", {"keys": [place.name]})
        return Flow()
    if place.room:
        raise Conflict(
            f"{visible(path[:60])}: a room stays. Name what is in it: files, keys; tables go with `sql drop table`."
        )
    try:
        answer = await world.call(place.path, "tree.delete", {}, confirmed=yes)
    except NeedsConfirmation as problem:
        if shell.is_background:
            raise
        amount = problem.detail.rpartition(": ")[2].rstrip(".")
        name = TreePath(place.path).name
        await shell.confirm(f"rm {place.path}: {amount}.", name, name="rm")
        answer = await world.call(place.path, "tree.delete", {}, confirmed=True)
    if TreePath.parse(shell.path).is_under(place.path):
        await shell.go_to(str(TreePath(place.path).parent))
    return Flow(answer.value, answer.spec.result_shape)


@builtin("navigation", takes=("objects",))
async def trash(stage: Stage, path: AnObject = ".") -> Json:
    """List what was deleted beneath an object, the latest first; `restore` brings it back.

    > mkdir plans
    …
    > rm plans --yes
    …
    > trash | get path
    …/plans
    """
    answer = await stage.world.call(await _object(stage, path), "tree.trash", {"limit": 1_000})
    assert isinstance(answer.spec.result_shape, RecordShape)
    return Flow(answer.value["deleted"], answer.spec.result_shape.fields["deleted"])


@builtin("navigation", takes=("trash", "objects"))
async def restore(
    stage: Stage,
    what: Annotated[str, Help("its path when it was deleted, or its number in the trash")],
    to: Annotated[str, Help("another path, where it is to be now")] = "",
) -> Json:
    """Bring back what was deleted.

    > mkdir plans
    …
    > rm plans --yes
    …
    > restore plans
    path …/plans  objects 1
    """
    answer = await stage.world.call(stage.shell.path, "tree.restore", {"what": what, "to": to or None})
    return Flow(answer.value, answer.spec.result_shape)
