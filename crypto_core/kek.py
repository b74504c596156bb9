"""Who wraps the tenants' keys: the protocol of a provider, and the keyring in the environment.

A provider keeps the key-encrypting keys (KEKs) away from the database. It wraps with its current
key and unwraps with any that it still has; so an old key may go once nothing is wrapped with it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Protocol

from crypto_core.errors import KeyringInvalid, ProviderUnavailable
from crypto_core.suite import KEY_BYTES, Bytes, unwrap, wrap

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KekProvider(Protocol):
    """What keyring.py asks of whoever holds the KEKs.

    *bound* is the wrapped key's scope as bytes; a provider binds its own key's id beside it. What
    may pass when tried again is raised as ProviderUnavailable, a blob that does not open as
    DecryptionFailed.
    """

    name: str

    @property
    def current(self) -> str:
        """The id of the KEK that wraps."""

    def wrap(self, key: Bytes, bound: bytes) -> tuple[str, bytes]:
        """The id of the KEK that was used, and the wrapped *key*."""

    def unwrap(self, kek_id: str, blob: bytes, bound: bytes) -> bytearray:
        """The key in *blob*, in memory that can be wiped."""


class LocalKeyring:
    """KEKs from CRYPTO_KEYRING: the last one wraps, any unwraps."""

    name = "local"

    def __init__(self, keks: Mapping[str, bytes]) -> None:
        self._keks = dict(keks)
        self.current = next(reversed(self._keks))

    @classmethod
    def parse(cls, text: str) -> "LocalKeyring":
        """The keyring in *text*: a JSON object of ids and base64 of 32 bytes, in order of age."""
        if not text.strip():
            raise KeyringInvalid("it is empty")
        try:
            pairs = json.loads(text, object_pairs_hook=list)
        except (ValueError, RecursionError):
            raise KeyringInvalid("it is not JSON") from None
        if not isinstance(pairs, list) or not pairs or not isinstance(pairs[0], tuple):
            raise KeyringInvalid("it is not an object of ids and keys")
        keks = {name: _kek(name, value) for name, value in pairs}
        if len({*keks.values()}) != len(pairs):
            raise KeyringInvalid("an id or a key stands in it twice")
        return cls(keks)

    def wrap(self, key: Bytes, bound: bytes) -> tuple[str, bytes]:
        return self.current, wrap(self._keks[self.current], self.current, key, bound)

    def unwrap(self, kek_id: str, blob: bytes, bound: bytes) -> bytearray:
        if kek_id not in self._keks:
            raise ProviderUnavailable("the key was wrapped with one that the keyring lacks")
        return unwrap(self._keks[kek_id], kek_id, blob, bound)


def _kek(name: str, value: object) -> bytes:
    if not _ID.fullmatch(name):
        raise KeyringInvalid("an id is not 1 to 64 characters of A-Z a-z 0-9 _ -")
    try:
        kek = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        kek = b""
    if len(kek) != KEY_BYTES:
        raise KeyringInvalid("a key is not the base64 of 32 bytes")
    return kek
