"""SQL: the user's own tables in the object's SQLite file, asked and changed in SQL, row by row, or as files.

Whole numbers have 64 bits here. A client whose numbers are floats (JavaScript) sees those beyond 2^53 rounded: select
them as text. A blob is `{"base64": "…"}` in answers and in `params`, an infinite number the text "Infinity".
"""

from objects.facilities.exporting import Exporting
from objects.facilities.fetching import Fetching
from objects.facilities.querying import Querying
from objects.facilities.saving import Saving
from objects.facilities.shaping import Shaping
from objects.sdk import Facility, Tab


class Sql(Shaping, Exporting, Saving, Fetching, Querying, Facility):
    """Keeps tables and answers SQL."""

    name = "sql"
    tab = Tab("Database", order=110, name="database")
    is_measured = False
