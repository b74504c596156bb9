"""An HTTP/1.1 server on a real socket, for the fakes of FCM and Twilio."""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.providers.trouble import Recorder

Reply = tuple[int, dict[str, Any], dict[str, str]]


class WebFake(Recorder):
    """Runs from `with` to its end; *answer* is what a provider would say."""

    def __enter__(self) -> "WebFake":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """What the provider says to a POST."""
        raise NotImplementedError

    def is_message(self, path: str) -> bool:
        """Whether *path* is the one that trouble is about."""
        return True


def handler(fake: WebFake) -> type[BaseHTTPRequestHandler]:
    """The class that serves *fake*."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.raw += [raw, str(self.headers).encode()]
            trouble = fake.next() if fake.is_message(self.path) else None
            if trouble and trouble.seconds:
                time.sleep(trouble.seconds)
            if trouble and trouble.status:
                return self.reply(trouble.status, trouble.body, trouble.headers)
            status, body, headers = fake.answer(self.path, self.headers, self.parsed(raw))
            if trouble and trouble.hang_up:
                self.close_connection = True
                return None
            return self.reply(status, body, headers)

        def parsed(self, raw: bytes) -> dict[str, Any]:
            if "json" in self.headers.get("Content-Type", ""):
                return json.loads(raw)
            return dict(parse_qsl(raw.decode(), keep_blank_values=True))

        def reply(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(raw))} | headers).items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # whoever asked may have gone
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
