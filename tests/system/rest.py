"""A person at the API, and an operator at the admin and at Flower: over real HTTP."""

import http.client
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

TIMEOUT = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server has answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Api:
    """One connection to the API, of whoever has logged in; not to be shared by threads."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.token = token
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Reply:
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object = None, **headers: str) -> Reply:
        return self.ask("POST", path, body, **headers)

    def put(self, path: str, body: object) -> Reply:
        return self.ask("PUT", path, body)

    def patch(self, path: str, body: object) -> Reply:
        return self.ask("PATCH", path, body)

    def delete(self, path: str) -> Reply:
        return self.ask("DELETE", path)

    def leave(self, path: str, body: object, **headers: str) -> None:
        """Post, and be gone before the answer comes."""
        self._send("POST", path, body, headers)
        self.close()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """The answer, whatever its status; OSError or HTTPException when there is none."""
        try:
            answer = self._send(method, path, body, headers).getresponse()
            return Reply(answer.status, answer.headers, answer.read().decode())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def _send(
        self, method: str, path: str, body: object, headers: dict[str, str]
    ) -> http.client.HTTPConnection:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = body.encode() if isinstance(body, str) else body and json.dumps(body).encode()
        if data:
            sent["Content-Type"] = "application/json"
        path = path if path.startswith("/api") or not self.token else f"/api/v1{path}"
        if self._connection is None:
            place = urlsplit(self.url).netloc
            self._connection = http.client.HTTPConnection(place, timeout=TIMEOUT)
        self._connection.request(method, path, data or None, sent)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def log_in(url: str, username: str, password: str) -> str:
    """An access token."""
    body = {"username": username, "password": password}
    reply = Api(url).post("/api/v1/auth/token", body)
    assert reply.status == 200, reply
    return str(reply.json["accessToken"])


class Admin:
    """An operator in the admin, with the cookies of a browser."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        form = {"username": username, "password": password, "next": "/admin/"}
        assert self.post("/admin/login/", form).status == 200

    def get(self, path: str) -> Reply:
        return self._open(Request(self.url + path))

    def post(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send a form with the token that the page at *path* holds."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        assert found, path
        data = urlencode({**form, "csrfmiddlewaretoken": found[1]}).encode()
        return self._open(Request(self.url + path, data))

    def _open(self, request: Request) -> Reply:
        return _reply(lambda: self._opener.open(request, timeout=TIMEOUT))


def get_with_password(url: str, login: str) -> Reply:
    """What *url* answers to basic authentication with *login* (user:password), or without."""
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    return _reply(lambda: urlopen(Request(url, headers=headers), timeout=TIMEOUT))


def _reply(ask: Callable[[], Any]) -> Reply:
    try:
        with ask() as answer:
            return Reply(answer.status, answer.headers, answer.read().decode())
    except HTTPError as error:
        return Reply(error.code, error.headers, error.read().decode())
