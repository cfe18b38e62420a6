"""What other rooms can listen to; this one must not import them."""

from django.dispatch import Signal

team_created = Signal()
"""A team's schema is there, still inside the transaction that makes the team, with that schema active.

Receivers get `team: Team` and write with the ORM or `django.db.connection`; raising undoes the whole team.
"""

team_deleting = Signal()
"""A team's schema is about to be dropped, inside the transaction that deletes the team. Receivers get `team: Team`."""

demo_seeding = Signal()
"""The demo team is there, made now or earlier, and committed. Receivers get `team: Team` and `owner: Person`, and put
what is missing into the tree; they run at each start and make nothing twice.
"""

team_begun = Signal()
"""A person made a team and goes to it: it is committed, and empty but for its root. Receivers get `team: Team` and
`owner: Person`, and put there what one meets first: an object at `/welcome`.
"""
