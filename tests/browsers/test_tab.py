"""The Browser tab tells of commands by either of their names: an object of the kind browser has them in front."""

from django.test import Client


def test_what_open_showed_is_what_was_seen_last(grove, team, site, ask):
    path = grove.new("browser")
    task = grove.call(path, "open", url=site.url)["task"]
    while grove.call(path, "task.show", task=task)["state"] not in ("done", "failed"):
        pass
    client = Client()
    client.force_login(team.owner, backend="allauth.account.auth_backends.AuthenticationBackend")

    shown = client.get(f"/t/{team.slug}/o{path}:/browser").content.decode()

    assert 'alt="Garden, as it was seen last"' in shown
