"""What `make run` says when everything answers: where it is, who may log in, what to paste."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.local import BASE, Home
from config.programs import Ports

TEXT = """
  Waxwing is ready.

  Admin     {url}/admin/          {operator} / {operator_password}
  API       {url}/api/docs
  Sockets   {socket}
  Flower    {flower}  {flower_user} / {flower_password}
  Mail      {mail}/
  People    {people}

  In one terminal, listen as {receiver}:

    {listen}

  In another, send as {sender}:

    {send}

  For manage.py and other tools: `. {shell}`.  Ctrl-C stops everything.
"""


def welcome(ports: Ports, demo: Mapping[str, Any], variables: Mapping[str, str], home: Home) -> str:
    """The text, with lines that work when pasted into a shell in the project's folder."""
    url = f"http://127.0.0.1:{ports.web}"
    sender, receiver = demo["people"][:2]
    return TEXT.format(
        url=url,
        operator=demo["operator"]["username"],
        operator_password=demo["operator"]["password"],
        socket=f"ws://127.0.0.1:{ports.sockets}{variables.get('WS_PATH', '/ws/v1')}",
        flower=variables["FLOWER_URL"],
        flower_user=variables["FLOWER_USER"],
        flower_password=variables["FLOWER_PASSWORD"],
        mail=home.mail,
        people=", ".join(f"{who['username']} / {who['password']}" for who in demo["people"]),
        receiver=receiver["username"],
        sender=sender["username"],
        listen=f"{manage()} listen {receiver['username']}{home.option}",
        send=curl(url, sender, receiver["id"]),
        shell=home.shell,
    )


def manage() -> str:
    """How a shell in the project's folder calls manage.py."""
    python = Path(sys.executable)
    shown = python.relative_to(BASE) if python.is_relative_to(BASE) else python
    return f"{shlex.quote(str(shown))} manage.py"


def curl(url: str, sender: Mapping[str, str], recipient: str) -> str:
    """One shell line that logs in as *sender* and sends a sealed message to *recipient*."""
    login = f'{{"username":"{sender["username"]}","password":"{sender["password"]}"}}'
    message = f'{{"recipientId":"{recipient}","content":"The results are in","encrypted":true}}'
    json = "-H 'Content-Type: application/json'"
    token = (
        f"curl -s {url}/api/v1/auth/token {json} -d {shlex.quote(login)}"
        """ | sed 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/'"""
    )
    return (
        f'curl -s {url}/api/v1/messages/direct -H "Authorization: Bearer $({token})" '
        f"{json} -d {shlex.quote(message)}"
    )
