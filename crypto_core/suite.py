"""The sealed form, version 1: what a body, a wrapped key and a key id look like in bytes.

    key id  = b64url(HMAC-SHA-256(key, "waxwing/v1/key-id")): the id commits to the key
    context = "waxwing/v1:<tenant>:<conversation>:<message>:<part>:<key id>"
    body    = AES-256-GCM(HKDF-SHA-256(key, "waxwing/v1/message-key:" context), iv, pad(text),
              context ":" extra)
    wrapped = iv, AES-256-GCM(parent, key, "waxwing/v1/wrap:<tenant>:<scope>:<key id>:<parent id>")

Every message has a derived key of its own, so random ivs never run short, however many messages a
key seals. These are low-level functions; people use service.EncryptionService.
"""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto_core.errors import (
    DecryptionFailed,
    MetadataInvalid,
    MetadataMissing,
    PayloadTooLarge,
    UnsupportedVersion,
)

ALGORITHM = "AES-256-GCM"
VERSION = "1"
KEY_BYTES = 32
IV_BYTES = 12  # NIST SP 800-38D, 8.2.2: random, of 96 bits
TAG_BYTES = 16
WRAPPED_BYTES = IV_BYTES + KEY_BYTES + TAG_BYTES
MAX_PLAINTEXT = 64 * 1024  # bytes
MIN_PADDED = 64  # bytes: "yes" and "no" look alike
MARKER = b"\x80"  # ISO/IEC 7816-4: the text's end
FIELDS = ("algorithm", "iv", "authTag", "keyId")

_CONTEXT = re.compile(r"waxwing/v1(?::[A-Za-z0-9_-]{1,64}){5}")
_SCOPE = re.compile(r"waxwing/v1/wrap(?::[A-Za-z0-9_-]{1,64}){3}")

Bytes = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Context:
    """What a body is bound to; taken from the row that holds it, never from its metadata."""

    tenant: UUID | str
    conversation: UUID | str
    message: UUID | str
    part: str = "content"

    def bind(self, kid: str) -> bytes:
        """The context as bytes, with the key *kid*; no two contexts have the same."""
        text = f"waxwing/v1:{self.tenant}:{self.conversation}:{self.message}:{self.part}:{kid}"
        return _checked(_CONTEXT, text)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key is for: a tenant's purpose or, with a conversation, that conversation's."""

    tenant: UUID
    purpose: str
    conversation: UUID | None = None

    def bind(self, kid: str) -> bytes:
        """The scope as bytes, with the key *kid*; no two scopes have the same."""
        name = f"{self.purpose}-{self.conversation}" if self.conversation else self.purpose
        return _checked(_SCOPE, f"waxwing/v1/wrap:{self.tenant}:{name}:{kid}")


class Header(NamedTuple):
    """What stands beside a ciphertext."""

    iv: bytes
    tag: bytes
    kid: str


def _checked(form: re.Pattern[str], text: str) -> bytes:
    if not form.fullmatch(text):
        raise ValueError("a context's fields are 1 to 64 characters of A-Z a-z 0-9 _ -")
    return text.encode()


def b64(data: Bytes) -> str:
    """*data* in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: object, size: int) -> bytes:
    """The *size* bytes that *text* spells; every value has one spelling."""
    if not isinstance(text, str) or len(text) != (size * 4 + 2) // 3:
        raise MetadataInvalid
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MetadataInvalid from None
    if b64(data) != text:
        raise MetadataInvalid
    return data


def key_id(key: Bytes) -> str:
    """The fingerprint of *key*: 43 characters that no other key has."""
    return b64(hmac.digest(key, b"waxwing/v1/key-id", "sha256"))


def padded_size(length: int) -> int:
    """The Padmé size of *length* bytes: at most 12 % more, at least MIN_PADDED."""
    exponent = length.bit_length() - 1
    slack = (1 << max(exponent - exponent.bit_length(), 0)) - 1
    return max(length + slack & ~slack, MIN_PADDED)


def pad(text: bytes) -> bytes:
    """*text*, its end marked, filled with zeros to one of few sizes."""
    return (text + MARKER).ljust(padded_size(len(text) + 1), b"\0")


def unpad(padded: bytes) -> bytes:
    """The text in *padded*."""
    marked = padded.rstrip(b"\0")
    if not marked.endswith(MARKER) or padded_size(len(marked)) != len(padded):
        raise DecryptionFailed
    return marked[:-1]


def parse(metadata: object) -> Header:
    """The *metadata* of a sealed body, each field checked."""
    if not isinstance(metadata, Mapping):
        raise MetadataMissing
    for name in FIELDS:
        if metadata.get(name) is None:
            raise MetadataMissing(name)
    if len(metadata) != len(FIELDS) or metadata["algorithm"] != ALGORITHM:
        raise MetadataInvalid
    unb64(metadata["keyId"], KEY_BYTES)
    iv, tag = unb64(metadata["iv"], IV_BYTES), unb64(metadata["authTag"], TAG_BYTES)
    return Header(iv, tag, metadata["keyId"])


def seal(
    key: Bytes, kid: str, plaintext: bytes, context: Context, extra: bytes = b""
) -> tuple[bytes, dict[str, str]]:
    """The ciphertext of *plaintext* and the metadata to keep beside it."""
    if len(plaintext) > MAX_PLAINTEXT:
        raise PayloadTooLarge
    bound, iv = context.bind(kid), os.urandom(IV_BYTES)
    with_tag = _message_cipher(key, bound).encrypt(iv, pad(plaintext), bound + b":" + extra)
    ciphertext, tag = with_tag[:-TAG_BYTES], with_tag[-TAG_BYTES:]
    metadata = {"algorithm": ALGORITHM, "iv": b64(iv), "authTag": b64(tag), "keyId": kid}
    return ciphertext, metadata


def open(
    key: Bytes, ciphertext: bytes, header: Header, context: Context, extra: bytes = b""
) -> bytes:
    """The text that *ciphertext* holds; whatever is wrong, DecryptionFailed."""
    if key_id(key) != header.kid:  # AES-GCM alone does not commit to its key
        raise DecryptionFailed
    bound = context.bind(header.kid)
    cipher = _message_cipher(key, bound)
    return unpad(decrypt(cipher, header.iv, ciphertext + header.tag, bound + b":" + extra))


def derive(key: Bytes, info: bytes) -> bytearray:
    """A key for one purpose (HKDF-SHA-256, no salt), in memory that can be wiped."""
    derived = bytearray(KEY_BYTES)
    HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive_into(key, derived)
    return derived


def decrypt(cipher: AESGCM, iv: bytes, with_tag: bytes, aad: bytes) -> bytes:
    """What *cipher* encrypted with a 12-byte *iv* and *aad*, or DecryptionFailed."""
    try:
        if len(iv) == IV_BYTES:
            return cipher.decrypt(iv, with_tag, aad)
    except InvalidTag:
        pass
    raise DecryptionFailed


def _message_cipher(key: Bytes, bound: bytes) -> AESGCM:
    derived = derive(key, b"waxwing/v1/message-key:" + bound)
    try:
        return AESGCM(derived)
    finally:
        derived[:] = bytes(KEY_BYTES)


def wrap(parent: Bytes, parent_id: str, key: Bytes, bound: bytes) -> bytes:
    """*key* under *parent*, bound to its scope and to both ids."""
    iv = os.urandom(IV_BYTES)
    return iv + AESGCM(parent).encrypt(iv, key, bound + b":" + parent_id.encode())


def unwrap(parent: Bytes, parent_id: str, blob: bytes, bound: bytes) -> bytearray:
    """The key in *blob*, in memory that can be wiped."""
    if len(blob) != WRAPPED_BYTES:
        raise DecryptionFailed
    key, aad = bytearray(KEY_BYTES), bound + b":" + parent_id.encode()
    try:
        AESGCM(parent).decrypt_into(blob[:IV_BYTES], blob[IV_BYTES:], aad, key)
    except InvalidTag:
        raise DecryptionFailed from None
    return key


Opener = Callable[[Bytes, bytes, Header, Context, bytes], bytes]
SUITES: dict[str, Opener] = {VERSION: open}  # all that can be opened; VERSION is how we seal


def opener(version: object) -> Opener:
    """What opens a body that was sealed as *version*."""
    if version is None:
        raise MetadataMissing("version")
    if not isinstance(version, str) or version not in SUITES:
        raise UnsupportedVersion
    return SUITES[version]
