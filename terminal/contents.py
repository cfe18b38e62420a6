"""What is at a place, as a file: read for `cat` and `<`, written for `>`, `save` and `write`."""

from base64 import b64encode

from teams.problems import Conflict, NoSuch
from terminal import places
from terminal.builtins.forms import csv_text
from terminal.ports import World
from terminal.rendering import Style, visible, written
from terminal.values import Flow, json_of


async def read(world: World, here: str, text: str) -> Flow:
    """Give what is at a place: the content of a file, the value of a key, the rows of a table."""
    place = await places.find(world, here, text)
    if place.room == "files" and place.name:
        answer = await world.call(place.path, "files.get", {"name": place.name})
        return Flow(answer.value, answer.spec.result_shape)
    if place.room == "state" and place.name:
        answer = await world.call(place.path, "state.get", {"key": place.name})
        return Flow(answer.value, answer.spec.result_shape)
    if place.room == "state":
        return Flow({item["key"]: item["value"] async for item in places.keys(world, place.path)})
    if place.room == "db" and place.name:
        quoted = '"' + place.name.replace('"', '""') + '"'
        query = f"SELECT * FROM {quoted}"  # noqa: S608 -- quoted, and `sql query` only reads
        answer = await world.call(place.path, "sql.query", {"query": query})
        return Flow(answer.value, answer.spec.result_shape)
    what = "an object" if not place.room else "a folder"
    raise Conflict(f"{visible(text[:60])}: this is {what}. `ls {visible(text[:60])}` shows what is in it.")


async def write(world: World, here: str, text: str, flow: Flow, *, adds: bool = False) -> int:
    """Put a flow into a file, or a key of the state; gives the bytes written. The name tells the form.

    .json and .jsonl: as JSON; .csv and .tsv: as a table; anything else: a file as it is, the rest as text.
    """
    place = await places.find(world, here, text)
    if place.room == "state" and place.name:
        value = await flow.whole()
        await world.call(place.path, "state.set", {"key": place.name, "value": value})
        return len(json_of(value))
    if place.room != "files" or not place.name or place.name.endswith("/"):
        raise Conflict(f"{visible(text[:60])}: nothing can be written there. Name a file, such as report.csv.")
    if "/" in place.name and "files" not in text.split("/"):
        # A slip in the name of an object would make a folder, in silence.
        above = text.rpartition("/")[0] or "/"
        raise NoSuch(
            f"{visible(above[:60])}: no such object. A file in a folder is named with its room: "
            f"files/{visible(place.name[:60])}."
        )
    content = await written_as(flow, place.name)
    if adds:
        try:
            before = await world.call(place.path, "files.get", {"name": place.name})
        except NoSuch:
            pass
        else:
            content = before.value.read() + content
    await world.call(place.path, "files.put", {"name": place.name, "content": {"base64": b64encode(content).decode()}})
    return len(content)


async def written_as(flow: Flow, name: str) -> bytes:
    """Give a flow as the bytes of a file whose name tells the form; see `write`."""
    form = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    is_text = flow.is_file or (flow.items is None and isinstance(flow.value, str))
    if form == "json" and not is_text:
        return (json_of(await flow.whole(), indent=2) + "\n").encode(errors="replace")
    if form in ("jsonl", "ndjson") and not is_text:
        return "".join([json_of(each) + "\n" async for each in flow.each()]).encode(errors="replace")
    if form in ("csv", "tsv") and not is_text:
        return (await csv_text(flow, "\t" if form == "tsv" else ",")).encode(errors="replace")
    if is_text:
        content = await flow.content()
        return content if flow.is_file or content.endswith(b"\n") or not content else content + b"\n"
    flow.view = None
    texts = [text async for text in written(flow, Style(width=10_000))]
    return "".join(texts).encode(errors="replace")
