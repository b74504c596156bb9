"""A log that shows when it was changed: each entry authenticated, and linked to the one before.

    mac  = HMAC-SHA-256(key, body)
    link = SHA-256(previous link, seq as 8 bytes, mac, body)

Whoever edits, drops or swaps entries would have to make every later link anew, and the macs too,
for which the database holds no key. What an entry says is up to its owner.
"""

import hashlib
import hmac

from crypto_core.suite import Bytes

GENESIS = bytes(32)  # what the first entry is linked to


def mac(key: Bytes, body: bytes) -> bytes:
    """The proof that somebody with *key* wrote *body*."""
    return hmac.digest(key, body, "sha256")


def link(previous: bytes, seq: int, proof: bytes, body: bytes) -> bytes:
    """What ties entry number *seq* to the *previous* link."""
    if len(previous) != len(GENESIS) or len(proof) != hashlib.sha256().digest_size:
        raise ValueError("a link and a mac have 32 bytes")
    return hashlib.sha256(previous + seq.to_bytes(8) + proof + body).digest()
