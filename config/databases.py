"""Reads DATABASE_URL."""

from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict


def postgres(url: str) -> dict[str, Any]:
    """Make Django's settings from a URL as libpq knows it, with its options and unix sockets.

    postgres://user:password@host:5432/name?sslmode=require and postgres:///name?host=/run/postgresql are examples.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        # The URL is left out: it may hold a password.
        raise ImproperlyConfigured("DATABASE_URL: write postgres://user:password@host:5432/name.") from error
    name = parts.pop("dbname", None)
    if not name:
        raise ImproperlyConfigured("DATABASE_URL: the name of the database is missing at its end.")
    return {
        "ENGINE": "django_pgschemas.postgresql",
        "NAME": name,
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": {"application_name": "grove", **parts},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": f"test_{name}"},
    }
