"""The types that arguments and results are made of, beside Python's own.

Each has a JSON form, a JSON Schema, a form as one word of text (for terminals, forms and query strings), and checks
that take what they gave once more unchanged. A `load` raises ValueError with what comes after the
argument's name: "for: 'soon' is not a duration such as 300ms, 5m or 1h30m".
"""

from objects.commands.types.about import AtLeast, AtMost, Between, Help, Length, RestOfLine, RestOfLineMarker, Unit
from objects.commands.types.contents import CHUNK_BYTES, SPOOL_BYTES, Content, Download, Upload, is_download
from objects.commands.types.json import Json
from objects.commands.types.loaded import Loaded, shown
from objects.commands.types.pictures import Picture, is_picture
from objects.commands.types.texts import Name, ObjectPath, RelativePath, Secret, Size, is_path, show_bytes
from objects.commands.types.times import Moment, Seconds, show_seconds

__all__ = [
    "CHUNK_BYTES",
    "SPOOL_BYTES",
    "AtLeast",
    "AtMost",
    "Between",
    "Content",
    "Download",
    "Help",
    "Json",
    "Length",
    "Loaded",
    "Moment",
    "Name",
    "ObjectPath",
    "Picture",
    "RelativePath",
    "RestOfLine",
    "RestOfLineMarker",
    "Seconds",
    "Secret",
    "Size",
    "Unit",
    "Upload",
    "is_download",
    "is_path",
    "is_picture",
    "show_bytes",
    "show_seconds",
    "shown",
]
