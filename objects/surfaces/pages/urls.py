"""Addresses of the pages of a team's tree; included at the root by `config.urls`."""

from django.urls import path, re_path

from objects.surfaces.pages import (
    agenda,
    agenda_day,
    bulk,
    front,
    gallery,
    keeping,
    object_page,
    objects_page,
    palette,
    path_offers,
    themes,
    tree_pages,
)

urlpatterns = [
    path("theme/", themes.choose_theme, name="theme"),
    path("t/<slug:slug>/", front.front, name="front"),
    path("t/<slug:slug>/amount/", front.amount, name="amount"),
    path("t/<slug:slug>/agenda/", agenda.agenda, name="agenda"),
    path("t/<slug:slug>/agenda/day/", agenda_day.day, name="agenda_day"),
    path("t/<slug:slug>/objects/", objects_page.objects, name="objects"),
    path("t/<slug:slug>/branch/", objects_page.branch, name="branch"),
    path("t/<slug:slug>/opened/", keeping.opened, name="opened"),
    path("t/<slug:slug>/pinned/", keeping.pin, name="pinned"),
    path("t/<slug:slug>/bulk/", bulk.bulk, name="bulk"),
    path("t/<slug:slug>/palette/", palette.palette, name="palette"),
    path("t/<slug:slug>/paths/", path_offers.path_offers, name="paths"),
    path("t/<slug:slug>/gallery/", gallery.gallery, name="gallery"),
    path("t/<slug:slug>/new/", tree_pages.new, name="new"),
    path("t/<slug:slug>/trash/", tree_pages.trash, name="trash"),
    # A path may hold any printable character but a colon; the command follows that.
    re_path(r"^t/(?P<slug>[-\w]+)/o/(?P<address>.*)$", object_page.show, name="object"),
]
