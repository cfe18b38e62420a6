"""The tests: a folder a room, a file a promise."""

import pytest

# They assert, and are no tests: pytest shows what they compared where it knows of them before they are imported.
pytest.register_assert_rewrite("tests.pages.browser", "tests.teams.browser.people", "tests.grove")
