"""Addresses of the pages of a team's tree; included at the root by `config.urls`."""

from django.urls import path, re_path

from objects.surfaces.pages import object_page, themes, tree_pages

urlpatterns = [
    path("theme/", themes.choose_theme, name="theme"),
    path("t/<slug:slug>/", tree_pages.tree, name="tree"),
    path("t/<slug:slug>/new/", tree_pages.new, name="new"),
    path("t/<slug:slug>/trash/", tree_pages.trash, name="trash"),
    # A path may hold any printable character but a colon; the command follows that.
    re_path(r"^t/(?P<slug>[-\w]+)/o/(?P<address>.*)$", object_page.show, name="object"),
]
