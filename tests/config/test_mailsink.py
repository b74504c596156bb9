"""The mail sink keeps what it is sent."""

import smtplib
import subprocess
import sys
import time
from pathlib import Path

from config.embedded.places import free_port


def test_a_mail_becomes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "mail"
    command = [sys.executable, "-m", "config.mailsink", str(port), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sink:
        try:
            send(port, "Subject: hello\r\n\r\nYou have a message.\r\n")
        finally:
            sink.terminate()

    (mail,) = folder.iterdir()
    assert "You have a message." in mail.read_text()
    assert mail.stat().st_mode & 0o777 == 0o600
    assert sink.returncode == 0


def send(port: int, text: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
                client.sendmail("waxwing@localhost", ["bob@demo.example"], text)
                return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
