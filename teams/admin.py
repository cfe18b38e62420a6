"""Admin pages of operators: people and plans can be changed, teams and rights only looked at.

Rights are changed by `teams.actions`, which keeps the rules and writes the audit; the admin pages would do neither.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest

from teams.models import AuditLine, Grant, Invitation, Membership, Person, Plan, Team, Token, Visit
from teams.operating import health, pages  # noqa: F401 -- pages of operators are known once they are imported


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """Asks for an e-mail address where Django asks for a user name."""

    class Meta:
        model = Person
        fields = ("email",)


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    """All of a person but rights in teams."""

    class Meta:
        model = Person
        fields = ("email", "name", "is_active", "is_staff", "is_superuser")


@admin.register(Person)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People: let in, switched off, made staff."""

    form = PersonForm
    add_form = NewPersonForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    readonly_fields = ("last_login", "joined_at")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("Rights on the platform", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        """Vouch for an address that an operator typed."""
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            obj.vouch()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody: people who left are switched off, and the journals of objects still name them."""
        return False


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are shown and cannot be touched."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody."""
        return False


@admin.register(Team)
class TeamAdmin(LookOnly):
    """Teams; what can be done to one stands beside it."""

    list_display = ("slug", "name", "plan", "created_at", "deleted_at")
    list_filter = ("plan", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("plan",)
    search_fields = ("slug", "name", "schema_name")


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Limits that can be given to teams."""

    list_display = ("name", "people", "tokens", "objects_at_most", "browsers", "browser_minutes")


@admin.register(Invitation)
class InvitationAdmin(LookOnly):
    """Who was invited."""

    exclude = ("digest",)
    list_display = ("email", "team", "role", "sent_at", "expires_at", "ended_at")
    list_select_related = ("team",)
    search_fields = ("email", "team__slug")


@admin.register(Visit)
class VisitAdmin(LookOnly):
    """Which operator looked at which team, and why."""

    list_display = ("began_at", "ends_at", "operator", "team", "person", "reason")
    list_select_related = ("operator", "team", "person")
    search_fields = ("operator__email", "team__slug", "reason")


@admin.register(LogEntry)
class LogEntryAdmin(LookOnly):
    """What operators changed in these pages."""

    list_display = ("action_time", "user", "content_type", "object_repr", "change_message")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email", "object_repr")


@admin.register(Membership)
class MembershipAdmin(LookOnly):
    """Who is in which team."""

    list_display = ("team", "person", "role", "joined_at")
    list_select_related = ("team", "person")
    search_fields = ("team__slug", "person__email")


@admin.register(Grant)
class GrantAdmin(LookOnly):
    """Roles on paths."""

    list_display = ("team", "person", "path", "role", "given_by", "given_at")
    list_select_related = ("team", "person", "given_by")
    search_fields = ("team__slug", "person__email", "path")


@admin.register(Token)
class TokenAdmin(LookOnly):
    """API keys, without what would open anything."""

    exclude = ("digest",)
    list_display = ("prefix", "name", "team", "person", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("team", "person")
    search_fields = ("prefix", "name", "team__slug", "person__email")


@admin.register(AuditLine)
class AuditLineAdmin(LookOnly):
    """What was done to teams and rights."""

    list_display = ("at", "slug", "who", "what", "details")
    search_fields = ("slug", "who", "what")
