"""Safety of what the pages send, and of the settings of a server on the internet."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.databases import postgres
from config.logs import LineFormatter
from config.secret import kept_secret
from teams.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"GROVE_PUBLIC": "1", "GROVE_HOSTS": "grove.example.com,.example.org"}


def run_python(code: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process with nothing of GROVE_ in its environment but what is given."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GROVE_")}
    environment |= {"GROVE_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"} | variables
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def chosen(names: list[str], tmp_path: Path, **variables: str) -> dict[str, Any]:
    """Give the settings of these names in a fresh process."""
    code = (
        f"import json; from django.conf import settings as s; print(json.dumps({{n: getattr(s, n) for n in {names}}}))"
    )
    done = run_python(code, tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# Headers and cookies.


@pytest.mark.parametrize("address", ["/account/login/", "/no-such-page", "/healthz"])
def test_every_page_says_what_it_may_load_and_who_may_frame_it(address):
    headers = Client().get(address).headers

    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "media-src": "'self' blob:",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    expected = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    }
    assert {name: headers[name] for name in expected} == expected


def test_cookies_are_kept_from_scripts_and_from_other_sites(person, settings):
    settings.ENTER_KEY, settings.DEMO_OWNER = "key", person().email

    cookies = [*Client().get("/account/login/").cookies.values(), *Client().get("/enter/key/").cookies.values()]

    flags = {cookie.key: (cookie["httponly"], cookie["samesite"], cookie["path"]) for cookie in cookies}
    assert flags == {"grove_csrf": (True, "Lax", "/"), "grove_session": (True, "Lax", "/")}


def test_a_request_for_another_host_is_refused():
    assert Client().get("/account/login/", headers={"host": "evil.example"}).status_code == 400


# Settings.


def test_a_public_server_passes_djangos_check_for_deployment(tmp_path):
    code = (
        "from django.core.management import execute_from_command_line as run; run(['manage.py', 'check', '--deploy'])"
    )

    done = run_python(code, tmp_path, **PUBLIC)

    assert (done.returncode, done.stdout + done.stderr) == (0, "System check identified no issues (0 silenced).\n")


def test_a_public_server_sends_its_cookies_encrypted_and_for_one_host(tmp_path):
    names = [
        "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SESSION_COOKIE_NAME", "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "ALLAUTH_TRUSTED_PROXY_COUNT",
    ]  # fmt: skip

    assert chosen(names, tmp_path, **PUBLIC) == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["grove.example.com", ".example.org"],
        "CSRF_TRUSTED_ORIGINS": ["https://grove.example.com", "https://*.example.org"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": "__Host-session",
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_PROXY_SSL_HEADER": None,
        "ALLAUTH_TRUSTED_PROXY_COUNT": 0,
    }


def test_debug_is_off_unless_asked_for_and_only_this_machine_is_answered(tmp_path):
    names = ["DEBUG", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT"]

    assert chosen(names, tmp_path) == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "SECURE_SSL_REDIRECT": False,
    }
    assert chosen(["DEBUG"], tmp_path, GROVE_DEBUG="1") == {"DEBUG": True}


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"GROVE_PUBLIC": "1"}, "GROVE_PUBLIC=1 needs the names of this site: GROVE_HOSTS=grove.example.com,…"),
        ({"GROVE_PUBLIC": "1", "GROVE_HOSTS": "*"}, "needs the names of this site"),
        (PUBLIC | {"GROVE_DEBUG": "1"}, "not together with GROVE_PUBLIC=1."),
        ({"GROVE_DEBUG": "maybe"}, "GROVE_DEBUG='maybe': write 1 or 0."),
        ({"GROVE_CALL_SECONDS": "soon"}, "GROVE_CALL_SECONDS='soon' is not a number."),
        ({"DATABASE_URL": "mysql:secret"}, "DATABASE_URL: write postgres://user:password@host:5432/name."),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_way_out(variables, text, tmp_path):
    done = run_python("from django.conf import settings; settings.DEBUG", tmp_path, **variables)

    assert (done.returncode, text in done.stderr, done.stderr.splitlines()[-1].startswith("django.core.exc")) == (
        1,
        True,
        True,
    )


def test_the_secret_key_is_made_once_into_a_file_for_its_owner_alone(tmp_path):
    first = chosen(["SECRET_KEY"], tmp_path)["SECRET_KEY"]
    file = tmp_path / "secrets" / "secret_key"

    assert chosen(["SECRET_KEY"], tmp_path)["SECRET_KEY"] == first == file.read_text().strip()
    assert (len(first) >= 50, stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (
        True,
        0o600,
        0o700,
    )
    assert chosen(["SECRET_KEY"], tmp_path, GROVE_SECRET_KEY="x" * 60)["SECRET_KEY"] == "x" * 60


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path):
    found: list[str] = []
    ready = threading.Barrier(8)

    def start() -> None:
        ready.wait()
        found.append(kept_secret(tmp_path / "secrets" / "key"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(found), len(set(found)), [file.name for file in (tmp_path / "secrets").iterdir()]) == (8, 1, ["key"])


def test_no_secret_is_in_the_settings_file():
    text = (ROOT / "config" / "settings.py").read_text()

    assert "django-insecure" not in text
    assert [line for line in text.splitlines() if "SECRET_KEY =" in line] == [
        'SECRET_KEY = os.environ.get("GROVE_SECRET_KEY") or kept_secret(VAR_DIR / "secrets" / "secret_key")'
    ]


# Parts of the settings.


def test_a_database_url_is_read_as_libpq_reads_it():
    assert postgres("postgres://ann:p%40ss@db.example.com:5433/grove?sslmode=require&connect_timeout=3") == {
        "ENGINE": "django_pgschemas.postgresql",
        "NAME": "grove",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": "5433",
        "OPTIONS": {"application_name": "grove", "sslmode": "require", "connect_timeout": "3"},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": "test_grove"},
    }
    socket = postgres("postgresql:///grove?host=/run/postgresql")
    assert (socket["HOST"], socket["NAME"], socket["PORT"]) == ("/run/postgresql", "grove", "")


def test_a_database_url_without_a_name_is_refused_and_never_repeated():
    with pytest.raises(ImproperlyConfigured, match="the name of the database is missing") as refused:
        postgres("postgres://ann:secret@db.example.com")
    assert "secret" not in str(refused.value)


def test_each_limit_is_changed_by_its_variable_and_keeps_its_type():
    changed = Limits.from_environment({"GROVE_CALL_SECONDS": "2.5", "GROVE_BATCH_CALLS": "1_0", "GROVE_SQL_ROWS": ""})

    assert (changed.CALL_SECONDS, changed.BATCH_CALLS, changed.SQL_ROWS) == (2.5, 10, Limits().SQL_ROWS)


@pytest.mark.parametrize("text", ["0", "-1", "nan"])
def test_a_limit_is_above_zero(text):
    with pytest.raises(ImproperlyConfigured, match=r"GROVE_CALL_SECONDS must be above 0\."):
        Limits.from_environment({"GROVE_CALL_SECONDS": text})


def test_a_log_record_is_one_line_whatever_is_in_it():
    import logging

    try:
        int("first\nsecond")
    except ValueError:
        record = logging.LogRecord("teams", logging.WARNING, "x.py", 1, "a\r\nb %s", ("c\n",), sys.exc_info())
    record.created, record.msecs = 0.0, 7.0

    text = LineFormatter().format(record)

    assert text.startswith("1970-01-01T00:00:00.007Z WARNING teams: a␍ ⏎ b c")
    assert text.endswith("'first\\nsecond'")
    assert len(text.splitlines()) == 1
