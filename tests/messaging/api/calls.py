"""Calls that more than one file makes."""

from typing import Any

from rest_framework.test import APIClient

from messaging.models import User

V1 = "/api/v1"
DIRECT, GROUP = f"{V1}/messages/direct", f"{V1}/messages/group"


def direct(browser: APIClient, to: User, content: str = "Hello", **more: Any) -> Any:
    """Send *content* to *to* by *browser*; *more* are fields, and headers by HTTP_."""
    headers = {name: more.pop(name) for name in list(more) if name.startswith("HTTP_")}
    body = {"recipientId": str(to.pk), "content": content} | more
    return browser.post(DIRECT, body, format="json", **headers)
