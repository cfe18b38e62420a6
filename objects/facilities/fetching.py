"""Tables that are filled from the web: a task, whose rows come in by the transaction that ends it."""

import base64
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from objects.facilities.asking import Asking, TableName
from objects.facilities.http import reason
from objects.facilities.querying import Format, Imported
from objects.sdk import Help, HttpRequest, Length, Secret, Task, Unreachable, command

OK: Final = HTTPStatus.OK


class Fetching(Asking):
    """Commands that fill tables from elsewhere."""

    @command(task=Task(seconds=660))
    def fetch(
        self,
        table: TableName,
        url: Annotated[str, Length(1, 4_000), Help("of CSV or JSON Lines: http:// or https://")],
        *,
        headers: Annotated[dict[str, Secret] | None, Help("such as authorization='Bearer …'")] = None,
        format: Annotated[Format | None, Help("left out, the address or the first character tells")] = None,
        delimiter: Annotated[str, Help("between the fields of CSV")] = ",",
    ) -> Imported:
        """Add the rows of a CSV or JSON Lines file on the web to a table; all of them or none.

        > sql fetch plant http://example.com/plants.csv
        table plant  rows 2  created yes  columns name, height
        """
        context: Any = self.context
        request = HttpRequest("GET", url, headers or {}, seconds=600, max_bytes=context.limits.HTTP_BYTES)
        answer = context.fetch(request)
        if answer.status != OK:
            raise Unreachable(f"{url[:200]}: answered {answer.status} {reason(answer.status)}. Only 200 holds rows.")
        content = {"base64": base64.b64encode(answer.body).decode()}
        chosen = format or ("jsonl" if _tells_json(url, answer.header("content-type")) else None)
        finish: Imported = context.finish_with(
            "sql.import", table=table, content=content, format=chosen, delimiter=delimiter
        )
        return finish


def _tells_json(url: str, kind: str) -> bool:
    return urlsplit(url).path.lower().endswith((".jsonl", ".ndjson")) or "jsonl" in kind or "ndjson" in kind
