"""What people do to teams, members, grants, tokens and keys: one transaction and one audit line each.

by: who does it, and whose rights are checked; None is the platform itself (management commands, seeding): it may all.
Raises NotAllowed or NoSuch when `by` may not, Conflict when the state does not allow it, WrongArgument for a bad value.
What this process keeps about callers is forgotten at once, other processes follow within `GROVE.CALLER_KEEP_S`.
"""

from teams.actions.grants import give_grant, take_grant
from teams.actions.invitations import (
    accept_invitation,
    decline_invitation,
    invite,
    resend_invitation,
    revoke_invitation,
)
from teams.actions.keys import add_ssh_key, remove_ssh_key
from teams.actions.members import add_member, change_role, remove_member, transfer_ownership
from teams.actions.operators import begin_visit, end_visit, give_plan, turn
from teams.actions.teams import create_team, delete_team, rename_team, restore_team, seed_demo, trash_team
from teams.actions.tokens import create_token, revoke_token

__all__ = [
    "accept_invitation",
    "add_member",
    "add_ssh_key",
    "begin_visit",
    "change_role",
    "create_team",
    "create_token",
    "decline_invitation",
    "delete_team",
    "end_visit",
    "give_grant",
    "give_plan",
    "invite",
    "remove_member",
    "remove_ssh_key",
    "rename_team",
    "resend_invitation",
    "restore_team",
    "revoke_invitation",
    "revoke_token",
    "seed_demo",
    "take_grant",
    "transfer_ownership",
    "trash_team",
    "turn",
]
