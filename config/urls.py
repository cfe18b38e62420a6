"""Addresses of the pages. Calls and sockets are bare ASGI beside them: see `config.asgi`."""

from allauth.urls import build_provider_urlpatterns
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    # Before allauth's own: one of them is replaced.
    path("", include("teams.pages.urls")),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("", include("terminal.pages")),
    path("", include("objects.surfaces.pages.urls")),
]
if settings.SOCIAL.providers:
    urlpatterns += [
        path("account/social/", include("allauth.socialaccount.urls")),
        path("account/", include(build_provider_urlpatterns())),
    ]
handler400 = "objects.surfaces.pages.answering.bad_request"
handler404 = "objects.surfaces.pages.answering.not_found"
