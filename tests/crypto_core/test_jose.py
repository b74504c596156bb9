"""Token keys from seeds: the first signs, all verify, a malformed one is refused."""

import base64
from contextlib import suppress

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_core.errors import CryptoError, SeedsInvalid
from crypto_core.jose import token_keys

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_what_a_key_signs_it_verifies_and_no_other_does():
    first, second = token_keys(f"{ONE}, {TWO}")

    token = jwt.encode({"sub": "x"}, first.private, "EdDSA", headers={"kid": first.kid})

    assert jwt.get_unverified_header(token)["kid"] == first.kid
    assert jwt.decode(token, first.public, ["EdDSA"]) == {"sub": "x"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, second.public, ["EdDSA"])


def test_the_same_seed_is_the_same_key_in_every_process():
    assert token_keys(ONE)[0].kid == token_keys(f"{TWO},{ONE}")[1].kid


def test_a_key_never_shows_its_private_half():
    assert "private" not in repr(token_keys(ONE))


@pytest.mark.parametrize("seeds", ["", " , ", "c2hvcnQ=", "no base64", f"{ONE},{ONE}", ONE[:-4]])
def test_malformed_seeds_are_refused_without_showing_them(seeds):
    with pytest.raises(SeedsInvalid) as caught:
        token_keys(seeds)
    assert not seeds.strip(" ,") or seeds not in str(caught.value)


@given(st.text())
def test_any_text_holds_seeds_or_is_refused(text):
    with suppress(CryptoError):
        token_keys(text)
