"""Addresses of the pages. Calls and sockets are bare ASGI beside them: see `config.asgi`."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from teams import pages

# The admin pages have a sign-in form of their own, which counts no attempts: ours does.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Grove"

urlpatterns = [
    path("", pages.home, name="home"),
    path("enter/<str:key>/", pages.enter, name="enter"),
    path("healthz", pages.healthz, name="healthz"),
    path("metrics", pages.metrics, name="metrics"),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("", include("terminal.pages")),
    path("", include("objects.surfaces.pages.urls")),
]
handler400 = "objects.surfaces.pages.answering.bad_request"
handler404 = "objects.surfaces.pages.answering.not_found"
