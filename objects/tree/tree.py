"""The tree of a team, for the engine, the archive and the tree facility: all functions in one place.

Each takes a psycopg connection inside the caller's transaction and the name of the team's schema, and raises Problems.
"""

from objects.tree.changes import (
    Placed,
    add_tags,
    copy,
    create,
    create_many,
    move,
    remove_tags,
    set_settings,
    set_tags,
    within_sight,
)
from objects.tree.nodes import EVERYTHING, Description, Entry, Found, Measure, Node, Sight
from objects.tree.pausing import pause, resume
from objects.tree.search import Sort, children, describe, find, look, measure, place, resolve, where_to
from objects.tree.trash import Trashed, erase, in_trash, in_whole_trash, purge, restore, trash, trashed

__all__ = [
    "EVERYTHING",
    "Description",
    "Entry",
    "Found",
    "Measure",
    "Node",
    "Placed",
    "Sight",
    "Sort",
    "Trashed",
    "add_tags",
    "children",
    "copy",
    "create",
    "create_many",
    "describe",
    "erase",
    "find",
    "in_trash",
    "in_whole_trash",
    "look",
    "measure",
    "move",
    "pause",
    "place",
    "purge",
    "remove_tags",
    "resolve",
    "restore",
    "resume",
    "set_settings",
    "set_tags",
    "trash",
    "trashed",
    "where_to",
    "within_sight",
]
