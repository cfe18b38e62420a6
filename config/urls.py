"""Addresses of the pages. Calls and sockets are bare ASGI beside them: see `config.asgi`."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
]
