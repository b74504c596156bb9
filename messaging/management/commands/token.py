"""`manage.py token USER`: an access token, without a password, for whoever runs the server."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messaging.models import User
from messaging.services import accounts


class Command(BaseCommand):
    help = "Prints an access token of a user, from a new session of theirs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="username")
        parser.add_argument("--json", action="store_true", help="the whole pair, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.select_related("tenant").filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        pair = accounts.open_session(user=user, user_agent="manage.py token")
        if options["json"]:
            found = {"accessToken": pair.access, "refreshToken": pair.refresh}
            self.stdout.write(json.dumps(found | {"expiresIn": pair.expires_in}))
        else:
            self.stdout.write(pair.access)
