"""`manage.py listen USER`: what reaches a person's socket, frame by frame."""

import json
import os
import urllib.error
import urllib.request
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from config import local, runfile

PROTOCOL = Subprotocol("messaging.v1")


class Command(BaseCommand):
    """A small client of the socket protocol, for a terminal."""

    help = "Print the frames that USER's socket gets, and confirm what was delivered."
    requires_system_checks: list[str] = []  # a client needs no database

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom to listen as, and to which system."""
        parser.add_argument("user")
        parser.add_argument("--home", type=Path, default=local.USUAL)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print frames until Ctrl-C."""
        known = {**runfile.read(local.Home(options["home"]).shell), **os.environ}
        web = known.get("PUBLIC_URL", "http://127.0.0.1:8000")
        url = f"ws://127.0.0.1:{known.get('WS_PORT', '8001')}{known.get('WS_PATH', '/ws/v1')}"
        password = known.get("DEMO_PASSWORD") or getpass()
        token = log_in(web, options["user"], password)
        try:
            with connect(url, subprotocols=[PROTOCOL]) as socket:
                socket.send(json.dumps({"type": "hello", "client": "listen", "token": token}))
                for text in socket:
                    self.stdout.write(str(text))
                    self.stdout.flush()  # who reads may be a pipe
                    answer(socket, json.loads(text))
        except KeyboardInterrupt:
            return
        except (OSError, ConnectionClosed) as error:
            raise CommandError(f"{url}: {error}") from None


def log_in(web: str, username: str, password: str) -> str:
    """An access token of *username*."""
    request = urllib.request.Request(
        f"{web}/api/v1/auth/token",
        json.dumps({"username": username, "password": password}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["accessToken"])
    except urllib.error.HTTPError as error:
        raise CommandError(f"{username} cannot log in: {error.code} {error.reason}") from None
    except OSError as error:
        raise CommandError(f"{web} does not answer ({error}); is `make run` running?") from None


def answer(socket: ClientConnection, frame: dict[str, Any]) -> None:
    """Subscribe to whatever the welcome names, and confirm each message."""
    if frame["type"] == "welcome":
        for conversation, seq in frame["heads"].items():
            subscribe = {"type": "subscribe", "conversationId": conversation, "since": seq}
            socket.send(json.dumps({**subscribe, "id": conversation}))
    if frame["type"] == "event":
        receipt = {"conversationId": frame["conversationId"], "seq": frame["seq"]}
        socket.send(json.dumps({"type": "delivered", **receipt}))
