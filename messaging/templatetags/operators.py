"""What the operators' pages link to."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def flower_url() -> str:
    """Where Flower is, or nothing."""
    return str(settings.FLOWER_URL)
