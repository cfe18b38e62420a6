"""People, teams and their rights, in the public schema. What belongs to one team's objects is in that team's schema."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django_pgschemas.models import TenantModel

from teams.access import Role

ROLES = [(role.value, role.word) for role in Role]
SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$"


class People(BaseUserManager["Person"]):
    """Makes people; an e-mail address is kept in lower case, so that it is found however it is typed."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        """Make a person whose address counts as confirmed; without a password nobody can sign in with one."""
        person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        person.vouch()
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        """Make a person who may use the admin pages."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Find a person by e-mail address, in any case."""
        return self.get(email=(username or "").strip().lower())


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in, by e-mail. Rights in teams come from memberships and grants, never from `is_staff`."""

    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True, help_text="people who left are switched off, not deleted")
    is_staff = models.BooleanField(default=False, help_text="may use the admin pages")
    joined_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[People] = People()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Keep the address in lower case, also from forms."""
        super().clean()
        self.email = self.email.strip().lower()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the address in lower case, whoever saves."""
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)

    def vouch(self) -> None:
        """Have the address count as confirmed: whoever made the account knows whose it is."""
        EmailAddress.objects.update_or_create(user=self, email=self.email, defaults={"verified": True, "primary": True})

    def get_full_name(self) -> str:
        """Give the name, or the address where there is none."""
        return self.name or self.email

    get_short_name = get_full_name


class Plan(models.Model):
    """What a team may use where that differs from the installation's limits. Operators make plans and give them."""

    name = models.CharField(max_length=50, unique=True)
    people = models.PositiveIntegerField(null=True, blank=True, help_text="in place of TEAM_PEOPLE")
    tokens = models.PositiveIntegerField(null=True, blank=True, help_text="in place of TEAM_TOKENS")
    objects_at_most = models.PositiveBigIntegerField(null=True, blank=True, help_text="in place of TREE_OBJECTS")
    browsers = models.PositiveIntegerField(
        null=True, blank=True, help_text="that are awake on one host, in place of BROWSER_TEAM_AWAKE"
    )
    browser_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="that they are awake in a day, in place of BROWSER_TEAM_DAY_S"
    )
    browser_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="of memory that their pages use, in place of BROWSER_TEAM_BYTES"
    )
    download_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="that they download in a day, in place of BROWSER_TEAM_DAY_BYTES"
    )
    browser_file_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="of one file that they download or upload, in place of BROWSER_FILE_BYTES"
    )

    def __str__(self) -> str:
        return self.name


class Team(TenantModel):
    """A tenant: its objects are in the Postgres schema `schema_name`. Make one with `teams.actions.create_team`."""

    # `create_team` makes the schema itself: saving a tenant would do it outside of the transaction's care, and would
    # leave the new schema active (django-pgschemas 1.1.1).
    auto_create_schema = False
    auto_drop_schema = False

    name = models.CharField(max_length=100)
    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(SLUG)],
        help_text="the name in addresses: a–z, 0–9 and -, 1–50 characters",
    )
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="in the trash since; gone after TEAM_TRASH_KEEP_S"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="teams")
    people = models.ManyToManyField(Person, through="Membership", through_fields=("team", "person"))

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row and nothing else: see `auto_create_schema` above."""
        models.Model.save(self, *args, **kwargs)


class Membership(models.Model):
    """A person in a team. The role is the grant on "/"; "none" is a guest, who has what grants give and no more."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    role = models.SmallIntegerField(choices=ROLES)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["team", "person"], name="one_membership"),)

    def __str__(self) -> str:
        return f"{self.person} in {self.team}: {Role(self.role).word}"


class Invitation(models.Model):
    """A link, sent by e-mail, that lets one address into a team. The key is not here, only its digest."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.SmallIntegerField(choices=ROLES)
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the key in the link sent last")
    invited_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="accepted, declined or revoked")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["team", "email"], condition=Q(ended_at=None), name="one_open_invitation"),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.team}: {Role(self.role).word}"

    @property
    def is_late(self) -> bool:
        """Whether the link works no more because of its age; it can be sent again."""
        return self.ended_at is None and self.expires_at <= timezone.now()


class Grant(models.Model):
    """A role on a path and below it, until a grant further down says otherwise. "none" denies."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="grants")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="grants")
    path = models.TextField(db_collation="C")
    role = models.SmallIntegerField(choices=ROLES)
    given_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["team", "person", "path"], name="one_grant"),
            models.CheckConstraint(condition=~Q(path="/"), name="grant_below_root"),
        )

    def __str__(self) -> str:
        return f"{self.person} on {self.path}: {Role(self.role).word}"


class Token(models.Model):
    """An API key: acts with its person's rights, within its own limits. The secret is not here, only its digest."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, help_text="what it is for")
    prefix = models.CharField(max_length=16, unique=True, help_text="the part by which it is found and recognised")
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the secret part")
    paths = ArrayField(models.TextField(), help_text="tops of the subtrees that exist for it")
    verbs = ArrayField(models.CharField(max_length=100), help_text="reads, changes, dangerous, task, or exact commands")
    ceiling = models.SmallIntegerField(choices=ROLES, default=Role.OWNER.value, help_text="highest role it can have")
    rate = models.FloatField(null=True, blank=True, help_text="calls a second, a process; empty: no limit")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}) of {self.person}"


class SshKey(models.Model):
    """A public key with which a person opens terminals over SSH, in every team that they are in."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="ssh_keys")
    name = models.CharField(max_length=100, help_text="which key it is: 'laptop'")
    key = models.TextField(help_text="as in authorized_keys: algorithm and body")
    fingerprint = models.CharField(max_length=60, unique=True, help_text="as `ssh-keygen -l` prints it")
    added_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint}) of {self.person}"


class AuditLine(models.Model):
    """What was done to a team's people and rights, for ever: it names in text what may be gone."""

    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="audit")
    slug = models.CharField(max_length=50, help_text="the team's, then")
    at = models.DateTimeField(default=timezone.now)
    who = models.CharField(max_length=254)
    what = models.CharField(max_length=50, help_text="the action: 'give_grant'")
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        indexes = (models.Index(fields=["team", "id"], name="audit_team"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.who}: {self.what}"


class Visit(models.Model):
    """An operator looks at a team as one of its people and changes nothing, for a reason that the team reads."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="visits")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", help_text="as whom")
    operator = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="visits")
    reason = models.CharField(max_length=200)
    began_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["team", "ends_at"], name="visit_team"),)

    def __str__(self) -> str:
        return f"{self.operator} in {self.team} as {self.person}"


class Switch(models.Model):
    """A feature that operators turned on or off; what there is to switch is in `teams.switches`."""

    name = models.CharField(max_length=50, unique=True)
    is_on = models.BooleanField()

    class Meta:
        verbose_name_plural = "switches"

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.is_on else 'off'}"


class WaitingTask(models.Model):
    """A task that is not over, of whichever team: what workers choose from. The task itself is in the team's schema.

    In one table, so that a worker finds the team whose turn it is by one question. Written with the task, in one
    transaction; deleted by the transaction that brings the outcome, which is why an outcome counts once.
    """

    pk = models.CompositePrimaryKey("schema", "id")
    schema = models.TextField(db_collation="C")
    id = models.TextField(db_collation="C")
    priority = models.SmallIntegerField(default=0, db_default=0, help_text="higher comes first, within the team")
    due_at = models.DateTimeField(db_default=Now())
    tries = models.IntegerField(default=0, db_default=0, help_text="how often it was begun")
    lost = models.IntegerField(default=0, db_default=0, help_text="workers that died with it")
    lease = models.TextField(null=True, help_text="made anew by each worker that takes it")  # noqa: DJ001 -- nobody's
    leased_until = models.DateTimeField(null=True)
    holder = models.IntegerField(null=True, help_text="the lock that the process with the lease holds while it lives")
    cancelled = models.BooleanField(default=False, db_default=False, help_text="its worker is asked to stop it")
    place = models.TextField(db_collation="C", default="", db_default="", help_text="who runs it: '' any worker")
    lane = models.BigIntegerField(null=True, help_text="the object, where its tasks run one after the other")

    class Meta:
        indexes = (
            models.Index(fields=["schema", "due_at"], name="waitingtask_due"),
            models.Index(fields=["schema", "-priority", "due_at"], name="waitingtask_next"),
        )

    def __str__(self) -> str:
        return f"{self.schema} {self.id}"


class BrowserDay(models.Model):
    """What the browsers of a team used in a day (UTC)."""

    pk = models.CompositePrimaryKey("schema", "day")
    schema = models.TextField(db_collation="C")
    day = models.DateField()
    awake_s = models.FloatField(default=0, db_default=0, help_text="all of them together")
    downloaded_bytes = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.schema} {self.day}"


class AwakeBrowser(models.Model):
    """A browser that is awake: where, so that its next command goes there, and what it uses."""

    pk = models.CompositePrimaryKey("schema", "object_id")
    schema = models.TextField(db_collation="C")
    object_id = models.BigIntegerField()
    holder = models.IntegerField(help_text="the lock that its host holds while it lives, as with WaitingTask")
    used_bytes = models.BigIntegerField(default=0, db_default=0, help_text="of memory, as its pages say")
    seen_at = models.DateTimeField(db_default=Now(), help_text="when its host said so last")

    def __str__(self) -> str:
        return f"{self.schema} {self.object_id}"
