"""Grove's application, but for calls that fail by a fault of ours, before their answer or in the midst of it."""

from typing import Any

from config.asgi import application as grove


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve Grove; fail where the address says so."""
    if scope["path"].endswith(":fail"):
        raise RuntimeError("on purpose")
    if scope["path"].endswith(":break"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a part", "more_body": True})
        raise RuntimeError("on purpose")
    if scope["path"].endswith(":split"):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nset-cookie: b")]})
    await grove(scope, receive, send)
