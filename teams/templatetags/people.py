"""What templates about people need beyond Django's own tags."""

import json

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BoundField

from teams.pages.places import places
from teams.pages.requests import TeamRequest

register = template.Library()


@register.filter(name="json")
def as_json(value: object) -> str:
    """A value as JSON, for a data attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def kind(field: BoundField) -> str:
    """What sort of input a form's field is: "checkbox", "choices", "" for one line beneath a label."""
    return {"checkbox": "checkbox", "checkboxselectmultiple": "choices"}.get(field.widget_type, "")


@register.simple_tag
def team_place(request: TeamRequest) -> str:
    """The first of a team's pages about itself that who looks may open."""
    return places(request)[0].address
