"""Pages of operators about objects: Django looks for them here. Each is a module of `objects.operating`."""

from objects.operating import team_objects, work

__all__ = ["team_objects", "work"]
