"""Icons: every one that is used is drawn into the one file, and a name that nobody drew is said."""

import re

import pytest
from django.conf import settings

from config.up.icons import NoIcon, sprite, used_icons

PACKAGE = settings.BASE_DIR / "node_modules" / "heroicons"


@pytest.fixture(scope="module", autouse=True)
def package():
    from config.up.assets import build_assets

    build_assets(settings.BASE_DIR)


def test_what_templates_scripts_and_code_use_is_found_once(tmp_path):
    for name, text in {
        "templates/a/b.html": '{% icon "star" %} {% icon "plus" "Add" %} {% icon name %}',
        "static/src/js/c.js": 'icon("trash")',
        "objects/d.py": 'Choice(icon="star")',
        "tests/e.py": 'icon="never"',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert used_icons(tmp_path) == ["plus", "star", "trash"]


def test_every_icon_in_use_is_a_symbol_without_colours_of_its_own():
    names = used_icons(settings.BASE_DIR)

    drawn = sprite(PACKAGE, names)

    assert re.findall(r'<symbol id="([^"]+)"', drawn) == names
    assert "#" not in re.sub(r'id="[^"]*"', "", drawn)


def test_a_solid_icon_is_another_drawing():
    outline, solid = (sprite(PACKAGE, [name]) for name in ("star", "star-solid"))

    assert outline.replace("star", "") != solid.replace("star-solid", "")


def test_a_name_that_nobody_drew_is_said():
    with pytest.raises(NoIcon, match="heroicons has no such icon"):
        sprite(PACKAGE, ["unicorn-on-fire"])
