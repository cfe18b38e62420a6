"""`python -m tests.chaos.plant`: 20 teams with a token each, written to `teams.json` under GROVE_VAR."""

import json
import os
from pathlib import Path

TEAMS = 20


def plant() -> None:
    """Make the teams; those that are there already (a start after a crash) get another token."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from teams import actions
    from teams.models import Person, Team

    made = []
    for number in range(TEAMS):
        slug = f"chaos-{number}"
        owner = Person.objects.filter(email=f"{slug}@example.com").first()
        owner = owner or Person.objects.create_user(f"{slug}@example.com")
        team = Team.objects.filter(slug=slug).first() or actions.create_team(name=slug, slug=slug, owner=owner)
        _, secret = actions.create_token(
            team=team, by=owner, name="chaos", verbs=["reads", "changes", "dangerous", "task"]
        )
        made.append({"slug": slug, "schema": team.schema_name, "secret": secret})
    (Path(os.environ["GROVE_VAR"]) / "teams.json").write_text(json.dumps(made))


if __name__ == "__main__":
    plant()
