"""The kind `browser`: an object that is above all its browser."""

from objects.sdk import Kind


class Browser(Kind[None]):
    """A browser that keeps its tabs, cookies and everything, driven by commands."""

    name = "browser"
    front = "browser"
