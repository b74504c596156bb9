"""A mail server that delivers nothing: each message becomes a file in a folder.

python -m config.mailsink PORT FOLDER
"""

import signal
import sys
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_BYTES = 1_000_000


class Folder:
    """Takes every message and writes it down as it came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message; the name sorts by arrival."""
        file = self.path / f"{time.time_ns()}.eml"
        file.touch(mode=0o600)
        file.write_bytes(envelope.original_content or b"")
        print(f"kept {file.name} for {len(envelope.rcpt_tos)} recipient(s)", flush=True)
        return "250 kept"


def main(port: int, folder: Path) -> None:
    """Serve on the loopback until a signal comes."""
    controller = Controller(
        Folder(folder), hostname="127.0.0.1", port=port, data_size_limit=MAX_BYTES
    )
    controller.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    controller.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main(int(sys.argv[1]), Path(sys.argv[2]))
