"""The keyring in the environment: the last entry wraps, any unwraps, a malformed one is refused."""

import base64
import json
import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_core.errors import CryptoError, DecryptionFailed, KeyringInvalid, ProviderUnavailable
from crypto_core.kek import LocalKeyring

KEY, BOUND = os.urandom(32), b"waxwing/v1/wrap:t:s:k"


def entry() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.mark.req("S70")
def test_the_last_entry_wraps_and_earlier_ones_still_unwrap():
    old = {"2025": entry()}
    both = old | {"2026": entry()}
    kek_id, blob = LocalKeyring.parse(json.dumps(old)).wrap(KEY, BOUND)

    ring = LocalKeyring.parse(json.dumps(both))

    assert (kek_id, ring.current) == ("2025", "2026")
    assert ring.unwrap(kek_id, blob, BOUND) == KEY
    assert ring.wrap(KEY, BOUND)[0] == "2026"


def test_an_entry_that_is_not_here_may_come_later():
    ring = LocalKeyring.parse(json.dumps({"a": entry()}))

    with pytest.raises(ProviderUnavailable) as caught:
        ring.unwrap("b", b"", BOUND)
    assert caught.value.retryable


def test_a_wrapping_opens_only_with_its_own_entry_and_scope():
    ring = LocalKeyring.parse(json.dumps({"a": entry(), "b": entry()}))
    _, blob = ring.wrap(KEY, BOUND)

    for wrong in (("a", blob, BOUND), ("b", blob, BOUND + b"!"), ("b", blob[:-1], BOUND)):
        with pytest.raises(DecryptionFailed):
            ring.unwrap(*wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "{}",
        "[]",
        '"text"',
        "{",
        json.dumps({"a b": entry()}),
        json.dumps({"a": "c2hvcnQ="}),
        json.dumps({"a": "!" * 44}),
        json.dumps({"a": 1}),
        json.dumps({"a": {"b": entry()}}),
        json.dumps([["a", entry()]]),
        json.dumps({"a": entry()})[:-1] + "," + json.dumps({"a": entry()})[1:],
        json.dumps(dict.fromkeys("ab", entry())),
        "[" * 100_000,
    ],
)
def test_a_malformed_keyring_is_refused_without_showing_it(text):
    with pytest.raises(KeyringInvalid) as caught:
        LocalKeyring.parse(text)
    assert not text.strip('{}[]" ') or text not in str(caught.value)


@given(st.text() | st.dictionaries(st.text(), st.text()).map(json.dumps))
def test_any_text_is_a_keyring_or_is_refused(text):
    with suppress(CryptoError):
        LocalKeyring.parse(text)
