"""The web process, team and places that attacks are tried on."""

from tests.surfaces.conftest import site, web

__all__ = ["site", "web"]
