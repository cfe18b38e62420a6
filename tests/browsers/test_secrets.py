"""Secrets for macros: set once, typed by plays and schedules, and shown to nobody."""

import pytest

from teams.locks import lock, unlock
from teams.problems import Conflict, NoSuch, WrongArgument
from tests.timing.conftest import hands

__all__ = ["hands"]

SIGN_IN = """param user = ann
secret password
open http://garden.example/login
fill Name {user}
fill Password {password}
click button[name=login]
keep text h1
"""


@pytest.fixture
def path(grove) -> str:
    made: str = grove.new("browser")
    grove.call(made, "browser.compose", name="sign-in", text=SIGN_IN)
    return made


def test_a_play_types_what_is_kept_under_the_name(path, grove, ask, site):
    with pytest.raises(WrongArgument, match="Or keep it here: `browser secret password …`"):
        ask(path, "play", name="sign-in")

    grove.call(path, "browser.secret", name="password", value="green")
    played = ask(path, "play", name="sign-in")

    assert played["kept"][0]["rows"] == [["Hello, Ann"]]
    assert grove.call(path, "browser.show", name="sign-in")["parameters"][1]["kept"] is True
    with pytest.raises(Conflict, match="line 7: keep text h1"):
        ask(path, "play", name="sign-in", secret={"password": "wrong"})  # what is given counts before what is kept


def test_a_schedule_needs_no_password(path, grove, hands, site, hosting):
    grove.call(path, "browser.secret", name="password", value="green")
    nightly = {"name": "nightly", "spec": "every 1h", "command": "browser.play sign-in"}
    grove.outcome(path, "cron.add", nightly, check=True)
    grove.call(path, "cron.run", name="nightly")
    hands.until_quiet()

    while not (plays := grove.call(path, "browser.plays", name="sign-in")):
        pass
    assert plays[0]["outcome"] == "done"


def test_it_is_shown_nowhere(path, grove, ask, site):
    grove.call(path, "browser.secret", name="password", value="a-very-secret-word")
    looks = "document.querySelector('input').value"
    text = f"secret password\nopen http://garden.example/\nfill Name {{password}}\nkeep eval {looks}"
    grove.call(path, "browser.compose", name="tell", text=text)

    played = ask(path, "play", name="tell")

    told = [played, *(grove.call(path, f"browser.{each}") for each in ("secrets", "macros"))]
    told += [grove.call(path, "browser.plays", name="tell"), grove.call(path, "task.list", limit=20)]
    assert played["kept"][0]["rows"] == [["•••"]]
    assert "a-very-secret-word" not in str(told)
    exported = b"".join(grove.call(path, "export").chunks())
    assert b"a-very-secret-word" not in exported


def test_a_copy_has_its_name_alone(path, grove, ask):
    grove.call(path, "browser.secret", name="password", value="green")
    grove.call(path, "tree.copy", to=f"{path}-copy")

    (line,) = grove.call(f"{path}-copy", "browser.secrets")
    assert (line["name"], line["works"]) == ("password", False)
    with pytest.raises(Conflict, match="came with a copy"):
        ask(f"{path}-copy", "play", name="sign-in")


def test_it_is_forgotten_and_named_as_macros_name_it(path, grove):
    grove.call(path, "browser.secret", name="password", value="green")
    assert grove.call(path, "browser.secret", name="password", off=True) == []

    with pytest.raises(NoSuch):
        grove.call(path, "browser.secret", name="password", off=True)
    with pytest.raises(WrongArgument, match="small letters"):
        grove.call(path, "browser.secret", name="Pass word", value="green")
    with pytest.raises(WrongArgument, match="Give what it is"):
        grove.call(path, "browser.secret", name="password")


def test_what_is_locked_opens_for_what_it_was_locked_for_alone(settings):
    locked = lock("Grüße", "macro", "team/1", "password")

    assert unlock(locked, "macro", "team/1", "password") == "Grüße"
    assert unlock(locked, "macro", "team/2", "password") is None
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert unlock(locked, "macro", "team/1", "password") == "Grüße"
    settings.SECRET_KEY_FALLBACKS = []
    assert unlock(locked, "macro", "team/1", "password") is None
