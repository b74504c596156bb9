"""The secrets of one clone: made once, in a file that only its owner may read.

The form is lines of `export NAME=value`, quoted for a shell, so that a terminal can read them too.
"""

import base64
import json
import os
import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


MADE: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "CHANNEL_KEY": _key,
    "JWT_SEEDS": _key,
    "CRYPTO_KEYRING": lambda: json.dumps({f"local-{secrets.token_hex(4)}": _key()}),
    "FLOWER_USER": lambda: "operator",
    "FLOWER_PASSWORD": lambda: secrets.token_urlsafe(12),
    "DEMO_PASSWORD": lambda: secrets.token_urlsafe(12),
}


def keep(path: Path) -> dict[str, str]:
    """What *path* holds, after adding whatever secret it lacks; what it has never changes."""
    kept = read(path)
    missing = {name: make() for name, make in MADE.items() if name not in kept}
    if missing:
        write(path, kept | missing)
    return kept | missing


def read(path: Path) -> dict[str, str]:
    """The variables in *path*; none when there is no such file."""
    if not path.exists():
        return {}
    items = (shlex.split(line, comments=True) for line in path.read_text().splitlines())
    pairs = (words[-1].partition("=") for words in items if words)
    return {name: value for name, _, value in pairs}


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Replace *path* in one step; only its owner may read it."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    half.write_text("".join(lines))
    half.replace(path)
