"""What templates about people need beyond Django's own tags."""

import json

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BoundField

register = template.Library()


@register.filter(name="json")
def as_json(value: object) -> str:
    """A value as JSON, for a data attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def kind(field: BoundField) -> str:
    """What sort of input a form's field is: "checkbox", "choices", "" for one line beneath a label."""
    return {"checkbox": "checkbox", "checkboxselectmultiple": "choices"}.get(field.widget_type, "")
