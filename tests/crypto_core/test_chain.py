"""The log's chain: each entry proven, and tied to the one before it."""

import hashlib
import hmac

import pytest

from crypto_core import chain

KEY = b"k" * 32


def links(bodies: list[bytes]) -> list[bytes]:
    made, previous = [], chain.GENESIS
    for seq, body in enumerate(bodies, 1):
        previous = chain.link(previous, seq, chain.mac(KEY, body), body)
        made.append(previous)
    return made


def test_a_mac_is_hmac_sha_256():
    assert chain.mac(KEY, b"body") == hmac.new(KEY, b"body", hashlib.sha256).digest()


def test_a_link_covers_the_link_before_the_number_the_mac_and_the_body():
    base = (bytes(32), 1, bytes(32), b"body")
    changed = [(b"\1" * 32, *base[1:]), (base[0], 2, *base[2:]), (*base[:2], b"\1" * 32, b"body")]

    made = {chain.link(*case) for case in [base, *changed, (*base[:3], b"bodies")]}

    assert len(made) == 5


def test_whatever_is_edited_dropped_or_swapped_changes_the_end():
    entries = [b"one", b"two", b"three"]
    end = links(entries)[-1]

    for other in ([b"one", b"2", b"three"], [b"one", b"three"], [b"two", b"one", b"three"]):
        assert links(other)[-1] != end


def test_parts_of_another_length_are_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        chain.link(b"short", 1, bytes(32), b"")
    with pytest.raises(ValueError, match="32 bytes"):
        chain.link(bytes(32), 1, b"short", b"")
