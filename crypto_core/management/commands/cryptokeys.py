"""`manage.py cryptokeys`: what operators do with keys, without seeing one."""

import base64
import json
import os
from datetime import date
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from crypto_core.errors import CryptoError
from crypto_core.models import ConversationKey, TenantKey
from crypto_core.service import encryption
from crypto_core.suite import KEY_BYTES
from crypto_core.wrapping import rewrap


class Command(BaseCommand):
    """Prints no material but that of the keyring entry which `new` makes."""

    help = "Make a keyring entry, list keys, rotate a conversation's key, move to the newest entry."
    requires_system_checks: list[str] = []  # `new` is the cure when there is no keyring

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        actions = parser.add_subparsers(dest="action", required=True)
        new = actions.add_parser("new", help="print a fresh entry for CRYPTO_KEYRING")
        new.add_argument("--id", default=f"{date.today()}-{os.urandom(2).hex()}")
        listed = actions.add_parser("list", help="the keys of a tenant or a conversation")
        listed.add_argument("owner", type=UUID)
        rotate = actions.add_parser("rotate", help="give a conversation a new session key")
        rotate.add_argument("conversation", type=UUID)
        rotate.add_argument("--reason", required=True)
        actions.add_parser("rewrap", help="wrap all tenants' keys with the keyring's last entry")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        try:
            getattr(self, options["action"])(options)
        except CryptoError as error:
            raise CommandError(str(error)) from None

    def new(self, options: dict[str, Any]) -> None:
        """Print an entry that nobody has seen."""
        key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        self.stdout.write(json.dumps({options["id"]: key}))
        self.stderr.write("Put it last into CRYPTO_KEYRING and keep the others; then `rewrap`.")

    def list(self, options: dict[str, Any]) -> None:
        """Print what the keys are for, never what they are."""
        owner = options["owner"]
        rows = [
            *TenantKey.objects.filter(tenant_id=owner).order_by("created_at"),
            *ConversationKey.objects.filter(Q(tenant_id=owner) | Q(conversation_id=owner)).order_by(
                "created_at"
            ),
        ]
        for row in rows:
            of = row.scope.conversation or "-"
            self.stdout.write(
                f"{row.id}  {row.purpose:8} {row.state:9} {row.created_at:%Y-%m-%d %H:%M}  {of}"
            )

    def rotate(self, options: dict[str, Any]) -> None:
        """Print the id of the conversation's new session key."""
        conversation = options["conversation"]
        key = ConversationKey.objects.filter(conversation_id=conversation).first()
        if key is None:
            raise CommandError(
                "The conversation has no key yet; its first sealed message makes one."
            )
        kid = encryption().rotate(key.tenant_id, conversation, options["reason"])
        self.stdout.write(kid)

    def rewrap(self, options: dict[str, Any]) -> None:
        """Print how many keys were moved to the newest entry."""
        self.stdout.write(f"{rewrap()} keys moved; entries before the last may go.")
