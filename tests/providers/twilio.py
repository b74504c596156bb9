"""Twilio's Messages resource, as far as it refuses."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from tests.providers.web import Reply, WebFake

SID, TOKEN, FROM = "AC" + "0" * 32, "twilio-secret", "+15005550006"
STOPPED = "+15005550004"


class FakeTwilio(WebFake):
    """Takes messages for numbers of E.164 from the account's own number."""

    def answer(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        wanted = "Basic " + b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != wanted:
            return self.refuse(401, 20003)
        if path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return self.refuse(404, 20404)
        if "form-urlencoded" not in headers.get("Content-Type", ""):
            return self.refuse(400, 21604)
        to, text = body.get("To", ""), body.get("Body", "")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            return self.refuse(400, 21211)
        if to == STOPPED:
            return self.refuse(400, 21610)
        if body.get("From") != FROM and not body.get("MessagingServiceSid", "").startswith("MG"):
            return self.refuse(400, 21212)
        if not text or len(text) > 1600:
            return self.refuse(400, 21617 if text else 21602)
        self.accepted.append(body)
        return 201, {"sid": f"SM{len(self.accepted):032}", "status": "queued"}, {}

    def refuse(self, status: int, code: int) -> Reply:
        """Twilio's form of an error."""
        self.refused.append(str(code))
        return status, {"code": code, "message": "no", "status": status}, {}
