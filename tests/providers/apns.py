"""Apple's push service over real HTTP/2 and TLS, as far as it refuses."""

import json
import re
import socket
import ssl
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.providers.keys import certificate, ec_key, public
from tests.providers.trouble import Recorder, Trouble

KEY_ID, TEAM_ID, TOPIC = "KEY1234567", "TEAM123456", "example.clinic"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Reply = tuple[int, dict[str, Any], dict[str, str]]


class FakeApns(Recorder):
    """Takes notifications for device tokens of 64 hex digits under a valid provider token."""

    def __init__(self) -> None:
        super().__init__()
        self.unregistered: set[str] = set()
        self.provider_tokens: list[str] = []  # each one once
        self.clock = 0.0  # seconds that its clock is ahead
        self.connections = 0

    def __enter__(self) -> "FakeApns":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            for name, text in zip(("cert", "key"), certificate(), strict=True):
                Path(folder, name).write_text(text)
            context.load_cert_chain(Path(folder, "cert"), Path(folder, "key"))
        context.set_alpn_protocols(["h2"])
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def listen(self) -> None:
        """Serve each connection in a thread of its own."""
        with suppress(OSError):
            while True:
                plain, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain: socket.socket) -> None:
        """One connection until its end."""
        with suppress(OSError, ProtocolError), self.context.wrap_socket(plain, True) as secure:
            self.connections += 1
            assert secure.selected_alpn_protocol() == "h2", "APNs speaks HTTP/2 only"
            Connection(self, secure).run()

    def answer(self, headers: dict[str, str], body: bytes) -> Reply:
        """What Apple says to a POST."""
        if reason := self.distrust(headers.get("authorization", "")):
            return self.refuse(403, reason)
        device = headers[":path"].removeprefix("/3/device/")
        reasons = {
            (405, "MethodNotAllowed"): headers[":method"] != "POST",
            (404, "BadPath"): device == headers[":path"],
            (400, "MissingTopic"): "apns-topic" not in headers,
            (400, "TopicDisallowed"): headers.get("apns-topic") != TOPIC,
            (400, "BadMessageId"): not UUID.fullmatch(headers.get("apns-id", "")),
            (400, "BadPriority"): headers.get("apns-priority") not in {"1", "5", "10"},
            (400, "BadCollapseId"): len(headers.get("apns-collapse-id", "")) > 64,
            (400, "InvalidPushType"): headers.get("apns-push-type") != "alert",
            (413, "PayloadTooLarge"): len(body) > 4096,
            (400, "BadDeviceToken"): not re.fullmatch("[0-9a-f]{64}", device),
        }
        for (status, reason), holds in reasons.items():
            if holds:
                return self.refuse(status, reason)
        if device in self.unregistered:
            return self.refuse(410, "Unregistered")
        payload = json.loads(body)
        self.accepted.append({"device": device, "headers": headers, "payload": payload})
        return 200, {}, {"apns-id": headers["apns-id"]}

    def distrust(self, authorization: str) -> str:
        """Why the provider token is not good; empty where it is."""
        token = authorization.removeprefix("bearer ")
        if not token or token == authorization:
            return "MissingProviderToken"
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, public(ec_key()), ["ES256"], issuer=TEAM_ID)
            assert header["kid"] == KEY_ID and set(claims) == {"iss", "iat"}
        except (jwt.PyJWTError, AssertionError, KeyError):
            return "InvalidProviderToken"
        if time.time() + self.clock - claims["iat"] > 3600:
            return "ExpiredProviderToken"
        with self.lock:
            if token not in self.provider_tokens:
                self.provider_tokens.append(token)
        return ""

    def refuse(self, status: int, reason: str) -> Reply:
        """Apple's form of an error."""
        self.refused.append(reason)
        return status, {"reason": reason}, {}


class Connection:
    """One HTTP/2 connection; its requests are answered one after another."""

    def __init__(self, fake: FakeApns, stream: ssl.SSLSocket) -> None:
        self.fake, self.stream = fake, stream
        self.http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.requests: dict[int, tuple[dict[str, str], bytearray]] = {}

    def run(self) -> None:
        """Read until the other side has gone."""
        self.http.initiate_connection()
        self.flush()
        while data := self.stream.recv(65_536):
            events = self.http.receive_data(data)
            self.flush()
            for event in events:
                if isinstance(event, ConnectionTerminated):
                    return
                self.on(event)

    def on(self, event: object) -> None:
        """A step of a request."""
        if isinstance(event, RequestReceived):
            self.requests[event.stream_id] = dict(event.headers), bytearray()
        elif isinstance(event, DataReceived):
            self.requests[event.stream_id][1].extend(event.data)
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.flush()
        elif isinstance(event, StreamEnded):
            headers, body = self.requests.pop(event.stream_id)
            self.reply(event.stream_id, headers, bytes(body))

    def reply(self, stream: int, headers: dict[str, str], body: bytes) -> None:
        """Answer one request, or do what trouble says."""
        self.fake.raw += [body, repr(headers).encode()]
        trouble: Trouble = self.fake.next()
        time.sleep(trouble.seconds)
        if trouble.status:
            status, said, more = trouble.status, trouble.body, trouble.headers
        else:
            status, said, more = self.fake.answer(headers, body)
        if trouble.hang_up:
            raise ConnectionAbortedError
        raw = json.dumps(said).encode() if said else b""
        self.http.send_headers(stream, [(":status", str(status)), *more.items()], not raw)
        if raw:
            self.http.send_data(stream, raw, True)
        self.flush()

    def flush(self) -> None:
        """Send what is to be sent."""
        self.stream.sendall(self.http.data_to_send())
