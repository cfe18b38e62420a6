"""Pages about people rather than objects. `team_page` is how every page of a team begins, in whatever room it is."""

from teams.pages.requests import TeamRequest, member_page, signed_in, team_page

__all__ = ["TeamRequest", "member_page", "signed_in", "team_page"]
