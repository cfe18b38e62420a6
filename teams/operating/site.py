"""The admin site: Django's own, in Grove's look, with pages of our own beside the models."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator

from teams.pages.requests import signed_in

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of operators. title: its link on the front page, "" where it has none there."""

    route: str
    view: View
    name: str
    title: str = ""
    about: str = ""


class GroveAdmin(AdminSite):
    """Staff only. Signing in is our own page, which counts attempts and asks for the second step."""

    site_header = site_title = "Grove"
    index_title = "Operate this Grove"
    enable_nav_sidebar = False
    pages: ClassVar[list[Page]] = []
    # Secrets of people, and rights that nothing here heeds: none of an operator's business.
    not_shown = frozenset({"account", "auth", "mfa", "socialaccount", "usersessions"})

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leave out what is not to be shown."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        shown = [model for model in models if model._meta.app_label not in self.not_shown]  # noqa: SLF001 -- Django's own way
        super().register(shown, admin_class, **options)

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send strangers to the sign-in; who is signed in and no operator finds nothing."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404("There is no such page.")
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]  # noqa: ARG002 -- Django's signature
        """Use the page that everybody has."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add our own pages."""
        own = [path(page.route, self.admin_view(page.view), name=page.name) for page in self.pages]
        return [*own, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show our own pages above the models."""
        return super().index(request, (extra_context or {}) | {"pages": [page for page in self.pages if page.title]})


def operators_page(route: str, name: str, title: str = "", about: str = "") -> Callable[[View], View]:
    """Make a page of operators out of a view."""

    def register(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not signed_in(request).is_staff:  # `admin_view` asked too: nobody gets here by another address
                raise Http404("There is no such page.")
            return view(request, *args, **kwargs)

        GroveAdmin.pages.append(Page(route, checked, name, title, about))
        return checked

    return register
