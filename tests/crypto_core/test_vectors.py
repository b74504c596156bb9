"""Vectors that nobody here chose, and those that must open for ever."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.errors import JoseError
from joserfc.jwe import CompactEncryption, Recipient
from joserfc.jwk import RSAKey

from crypto_core import jose, suite
from crypto_core.errors import DecryptionFailed, EnvelopeInvalid
from crypto_core.jose import thumbprint, token_keys

GOLDEN = Path(__file__).parent.parent / "vectors" / "waxwing-v1.json"
GOLDEN_DIGEST = "e6bbaddb926dc27457da7a4a1d25d7174ea9625535ff3c2e02d997aba8f1f80a"
WYCHEPROOF = Path(os.environ.get("WYCHEPROOF_DIR", "/nowhere"))
needs_wycheproof = pytest.mark.skipif(
    not WYCHEPROOF.is_dir(), reason="WYCHEPROOF_DIR does not name a directory of test vectors"
)


def cases(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The groups and tests of one of Wycheproof's files."""
    for group in json.loads((WYCHEPROOF / name).read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


@cache
def rsa_key(pem: str) -> RSAKey:
    """The key in *pem*: reading one takes longer than using it."""
    return RSAKey.import_key(pem)


def test_the_golden_file_is_what_it_was():
    assert hashlib.sha256(GOLDEN.read_bytes()).hexdigest() == GOLDEN_DIGEST


@pytest.mark.req("S59")
@pytest.mark.parametrize("body", json.loads(GOLDEN.read_text())["bodies"])
def test_a_body_of_version_1_opens(body):
    key, context = base64.b64decode(body["key"]), body["context"]
    header = suite.parse(body["metadata"])
    of = suite.Context(*(UUID(context[name]) for name in ("tenant", "conversation", "message")))
    bound = suite.Context(of.tenant, of.conversation, of.message, context["part"])

    text = suite.opener(body["version"])(
        key, base64.b64decode(body["ciphertext"]), header, bound, base64.b64decode(body["extra"])
    )

    assert text.decode() == body["text"]


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text())["wraps"])
def test_a_key_wrapped_in_version_1_unwraps(case):
    conversation = case["conversation"] and UUID(case["conversation"])
    scope = suite.Scope(UUID(case["tenant"]), case["purpose"], conversation)

    key = suite.unwrap(
        base64.b64decode(case["parent"]),
        case["parentId"],
        base64.b64decode(case["wrapped"]),
        scope.bind(case["keyId"]),
    )

    assert key == base64.b64decode(case["key"])
    assert suite.key_id(key) == case["keyId"]


def test_keys_are_derived_as_rfc_5869_says():
    a3 = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"

    assert suite.derive(b"\x0b" * 22, b"").hex() == a3


def test_token_keys_are_named_as_rfc_8037_says():
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")

    [key] = token_keys(base64.b64encode(seed).decode())

    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert suite.b64(key.public.public_bytes_raw()) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(key.public) == key.kid


@pytest.mark.req("S57")
@needs_wycheproof
def test_wycheproof_invalid_bodies_are_refused_and_valid_ones_open():
    counts = {"opened": 0, "refused": 0, "other iv": 0}
    for group, test in cases("aes_gcm_test.json"):
        cipher = AESGCM(bytes.fromhex(test["key"]))
        iv, aad = bytes.fromhex(test["iv"]), bytes.fromhex(test["aad"])
        body = bytes.fromhex(test["ct"] + test["tag"])
        if test["result"] == "valid" and group["ivSize"] == 96:
            assert suite.decrypt(cipher, iv, body, aad) == bytes.fromhex(test["msg"]), test["tcId"]
            counts["opened"] += 1
            continue
        with pytest.raises(DecryptionFailed):
            suite.decrypt(cipher, iv, body, aad)
        counts["refused" if test["result"] == "invalid" else "other iv"] += 1

    assert counts == {"opened": 116, "refused": 87, "other iv": 113}


@needs_wycheproof
def test_wycheproof_keys_are_derived():
    derived = 0
    for _, test in cases("hkdf_sha256_test.json"):
        if test["salt"] == "" and test["result"] == "valid":
            key = suite.derive(bytes.fromhex(test["ikm"]), bytes.fromhex(test["info"])).hex()
            assert key[: test["size"] * 2] == test["okm"][:64], test["tcId"]
            derived += 1

    assert derived == 23


@needs_wycheproof
@pytest.mark.req("S58")
def test_wycheproof_wrapped_keys_open_or_are_refused():
    key_wrap = jose._REGISTRY.get_alg(jose.ALG)
    counts = {"unwrapped": 0, "labelled": 0, "invalid": 0}
    for group, test in cases("rsa_oaep_4096_sha256_mgf1sha256_test.json"):
        recipient = Recipient(CompactEncryption({"alg": jose.ALG}))
        recipient.recipient_key = rsa_key(group["privateKeyPem"])
        recipient.encrypted_key = bytes.fromhex(test["ct"])
        if test["result"] == "valid" and not test["label"]:
            assert key_wrap.decrypt_cek(recipient) == bytes.fromhex(test["msg"]), test["tcId"]
            counts["unwrapped"] += 1
            continue
        with pytest.raises(JoseError):
            key_wrap.decrypt_cek(recipient)
        counts["invalid" if test["result"] == "invalid" else "labelled"] += 1

    assert counts == {"unwrapped": 10, "labelled": 8, "invalid": 19}


@needs_wycheproof
@pytest.mark.req("S58")
def test_wycheproof_envelopes_open_only_for_a_wrapped_key_of_32_bytes():
    opened = []
    for group, test in cases("rsa_oaep_4096_sha256_mgf1sha256_test.json"):
        key = (bytes.fromhex(test["msg"]) + bytes(32))[:32]
        header = suite.b64(json.dumps({"alg": jose.ALG, "enc": jose.ENC, "typ": "t"}).encode())
        body = AESGCM(key).encrypt(bytes(12), b"text", header.encode())
        parts = (bytes.fromhex(test["ct"]), bytes(12), body[:-16], body[-16:])
        envelope = ".".join([header, *map(suite.b64, parts)])
        try:
            assert jose.decrypt(envelope, rsa_key(group["privateKeyPem"]), typ="t") == b"text"
            opened.append(test["tcId"])
        except EnvelopeInvalid:
            pass

    assert opened == [7]
