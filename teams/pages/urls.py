"""Addresses of the pages about people; included at the root by `config.urls`."""

from django.urls import path

from teams.pages import (
    access,
    account,
    audit,
    grants,
    home,
    invitations,
    machines,
    members,
    settings,
    tokens,
)

TEAM = "t/<slug:slug>/team/"

urlpatterns = [
    path("", home.home, name="home"),
    path("enter/<str:key>/", home.enter, name="enter"),
    path("healthz", machines.healthz, name="healthz"),
    path("metrics", machines.metrics, name="metrics"),
    path("teams/", home.teams, name="teams"),
    path("teams/new/", home.new_team, name="new_team"),
    path("teams/<int:number>/restore/", home.restore, name="restore_team"),
    path("invitation/<str:key>/", invitations.invitation, name="invitation"),
    path("account/", account.profile, name="account"),
    path("account/sessions/", account.sessions, name="usersessions_list"),
    path("account/sessions/others/end/", account.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/<int:number>/end/", account.end_session, name="end_session"),
    path("account/keys/", account.keys, name="keys"),
    path("account/keys/<int:number>/remove/", account.remove_key, name="remove_key"),
    path(TEAM, members.people, name="people"),
    path(f"{TEAM}people/<int:number>/", members.change_role, name="change_role"),
    path(f"{TEAM}people/<int:number>/remove/", members.remove, name="remove_member"),
    path(f"{TEAM}invitations/<int:number>/resend/", members.resend, name="resend_invitation"),
    path(f"{TEAM}invitations/<int:number>/revoke/", members.revoke, name="revoke_invitation"),
    path(f"{TEAM}grants/", grants.grants, name="grants"),
    path(f"{TEAM}grants/<int:number>/take/", grants.take, name="take_grant"),
    path(f"{TEAM}access/", access.access, name="access"),
    path(f"{TEAM}tokens/", tokens.tokens, name="tokens"),
    path(f"{TEAM}tokens/<int:number>/revoke/", tokens.revoke, name="revoke_token"),
    path(f"{TEAM}audit/", audit.audit, name="audit"),
    path(f"{TEAM}settings/", settings.settings, name="team_settings"),
    path(f"{TEAM}settings/hand-over/", settings.hand_over, name="hand_over"),
    path(f"{TEAM}settings/delete/", settings.delete, name="delete_team"),
]
