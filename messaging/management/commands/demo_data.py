"""`manage.py demo_data`: something to try."""

import json
import os
from typing import Any

from django.core.management.base import BaseCommand

from messaging.services import demo


class Command(BaseCommand):
    """Makes what is missing and changes nothing that is there, so it may run at every start."""

    help = "Make a demo tenant with two people, and an operator. Their password: DEMO_PASSWORD."

    def handle(self, *args: Any, **options: Any) -> str:
        """The log-ins as JSON: tenant, people, conversationId, operator."""
        return json.dumps(demo.make(os.environ.get("DEMO_PASSWORD", "")))
