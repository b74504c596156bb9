"""What is encrypted to a device: one algorithm, one key size, one spelling; all else is refused."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from crypto_core import jose
from crypto_core.errors import CryptoError, DeviceKeyInvalid, EnvelopeInvalid
from tests.keypairs import pem, private, public, spki

INFO = PublicFormat.SubjectPublicKeyInfo
TYPE = "test+jwe"
NOBODYS: Any = None  # what is refused by its form never reaches a key
SECRET = b"\x07" * 32
HEADER = {"alg": jose.ALG, "enc": jose.ENC, "kid": "device", "typ": TYPE}


def envelope(header: dict[str, Any] | None = None, payload: bytes = SECRET, **more: Any) -> str:
    """A JWE for device one, as a liberal library makes it."""
    algorithms = ["RSA-OAEP-256", "RSA-OAEP", "RSA1_5", "A256GCM", "A128GCM", "A256CBC-HS512"]
    registry = jwe.JWERegistry(algorithms=[*algorithms, "DEF"], strict_check_header=False)
    key = RSAKey.import_key(public())
    return jwe.encrypt_compact(
        {**HEADER, **(header or {}), **more}, payload, key, registry=registry
    )


def number(value: int) -> str:
    """*value* as a JWK spells it."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(compact: str, text: str) -> str:
    first = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return ".".join([first, *compact.split(".")[1:]])


@pytest.mark.req("S58")
def test_what_is_encrypted_to_a_device_only_that_device_opens():
    made = jose.encrypt_to(jose.device_key(public()), SECRET, kid="device", typ=TYPE)

    assert jose.decrypt(made, private(), typ=TYPE) == SECRET
    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(made, private("two"), typ=TYPE)


def test_an_envelope_is_what_the_standard_says():
    made = jose.encrypt_to(
        jose.device_key(public()), SECRET, kid="device", typ=TYPE, cty="jwk+json"
    )

    parts = [base64.urlsafe_b64decode(part + "==") for part in made.split(".")]
    assert json.loads(parts[0]) == HEADER | {"cty": "jwk+json"}
    assert [len(part) for part in parts[1:]] == [512, 12, len(SECRET), 16]
    theirs = jwe.decrypt_compact(made, private(), algorithms=[jose.ALG, jose.ENC])
    assert theirs.plaintext == SECRET


def test_a_key_comes_as_jwk_or_spki_and_is_the_same():
    jwk = public()
    exported = jwk | {"alg": "RSA-OAEP-256", "ext": True, "key_ops": ["encrypt", "wrapKey"]}
    der = base64.b64encode(spki(encoding=Encoding.DER)).decode()

    keys = [jose.device_key(jwk), jose.device_key(exported)]
    keys += [jose.device_key_of_spki(text) for text in (spki().decode(), der, f"  {der}\n")]

    assert [key.jwk for key in keys] == [jwk] * 5
    assert keys[0].thumbprint == RSAKey.import_key(jwk).thumbprint()


def test_a_private_half_is_refused_whatever_else_is_right():
    whole = private().as_dict(private=True)

    for attempt in (lambda: jose.device_key(whole), lambda: jose.device_key_of_spki(pem())):
        with pytest.raises(DeviceKeyInvalid, match="private half") as caught:
            attempt()
        assert str(whole["d"]) not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC"},
        {"e": "Aw"},
        {"e": "AAEAAQ"},
        {"e": 65537},
        {"e": None},
        {"n": ""},
        {"n": None},
        {"n": ["AQAB"]},
        {"n": "A" * 683},
        {"n": "!" * 683},
        {"alg": "RSA1_5"},
        {"alg": "RSA-OAEP"},
        {"alg": None},
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"key_ops": ["decrypt"]},
        {"key_ops": []},
        {"key_ops": "encrypt"},
        {"key_ops": [["encrypt"]]},
        {"x5c": ["AAAA"]},
        {"d": ""},
    ],
    ids=str,
)
def test_a_jwk_that_is_not_our_kind_of_key_is_refused(change):
    with pytest.raises(DeviceKeyInvalid):
        jose.device_key(public() | change)


@pytest.mark.parametrize(
    ("bits", "exponent"),
    [(2048, 65537), (3072, 65537), (4095, 65537), (4097, 65537), (4104, 65537), (4096, 3)],
)
def test_a_key_of_another_size_or_exponent_is_refused(bits, exponent):
    modulus = (1 << bits) - 1
    der = RSAPublicNumbers(exponent, modulus).public_key().public_bytes(Encoding.DER, INFO)
    jwk = {"kty": "RSA", "n": number(modulus), "e": number(exponent)}

    for attempt in (
        lambda: jose.device_key(jwk),
        lambda: jose.device_key_of_spki(base64.b64encode(der).decode()),
    ):
        with pytest.raises(DeviceKeyInvalid):
            attempt()


def test_a_modulus_has_one_spelling_and_exactly_4096_bits():
    n = public()["n"]
    modulus = int.from_bytes(base64.urlsafe_b64decode(n + "=="), "big")

    for changed in (modulus - 1, modulus >> 1, modulus << 1):
        with pytest.raises(DeviceKeyInvalid):
            jose.device_key(public() | {"n": number(changed)})
    for spelled in (f"{n}=", f"{n[:-1]}{chr(ord(n[-1]) + 1)}", f"A{n}"):
        with pytest.raises(DeviceKeyInvalid):
            jose.device_key(public() | {"n": spelled})


def other_spkis() -> list[str]:
    keys = [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()]
    ders = [key.public_key().public_bytes(Encoding.DER, INFO) for key in keys]
    good = base64.b64encode(spki(encoding=Encoding.DER)).decode()
    return [
        *(base64.b64encode(der).decode() for der in ders),
        "",
        "x",
        good[:-8],
        "A" * 3000,
        good * 3,
    ]


@pytest.mark.parametrize("text", other_spkis(), ids=range(7))
def test_an_spki_that_is_not_our_kind_of_key_is_refused(text):
    with pytest.raises(DeviceKeyInvalid):
        jose.device_key_of_spki(text)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"alg": "RSA-OAEP"}, "SHA-1"),
        ({"alg": "RSA1_5"}, "Bleichenbacher"),
        ({"enc": "A128GCM"}, "a shorter key"),
        ({"enc": "A256CBC-HS512"}, "another cipher"),
        ({"zip": "DEF"}, "compression"),
        ({"typ": "other+jwe"}, "meant for something else"),
        ({"x": 1}, "a name that nobody knows"),
        ({"jwk": {"kty": "oct"}}, "a key of the sender's choice"),
        ({"jku": "https://example.com"}, "an address to fetch a key from"),
        ({"epk": {}}, "of another algorithm"),
        ({"p2c": 2**31, "p2s": "AAAA"}, "work at the sender's choice"),
        ({"b64": False}, "an unencoded payload"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_header_is_refused_before_any_key_is_used(header, why):
    made = envelope(header)

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(made, NOBODYS, typ=TYPE)


def test_a_critical_extension_is_refused():
    made = with_header(envelope(), json.dumps({**HEADER, "crit": ["exp"], "exp": 1}))

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(made, private(), typ=TYPE)


@pytest.mark.parametrize("alg", ["dir", "A256KW", "A256GCMKW", "PBES2-HS512+A256KW"])
def test_the_public_key_is_never_taken_for_a_shared_secret(alg):
    algorithms = [alg, "A256GCM"]
    shared = OctKey.import_key(spki()[:32])
    header = {**HEADER, "alg": alg} | (
        {"p2c": 1000, "p2s": "AAAAAAAAAAA"} if "PBES2" in alg else {}
    )
    made = jwe.encrypt_compact(
        header,
        SECRET,
        shared,
        registry=jwe.JWERegistry(algorithms=algorithms, strict_check_header=False),
    )

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(made, private(), typ=TYPE)


def test_a_header_with_a_name_twice_is_refused():
    text = json.dumps(HEADER)[:-1] + ', "typ": "' + TYPE + '"}'

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(with_header(envelope(), text), private(), typ=TYPE)


@pytest.mark.parametrize("part", range(5))
def test_any_changed_part_is_refused(part):
    pieces = envelope().split(".")
    pieces[part] = ("B" if pieces[part][0] != "B" else "C") + pieces[part][1:]

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(".".join(pieces), private(), typ=TYPE)


@pytest.mark.parametrize("part", range(1, 5))
@pytest.mark.parametrize(
    "change", [lambda p: "", lambda p: p + "=", lambda p: p + "AAAA", lambda p: p[:-4]]
)
def test_a_part_of_another_length_or_spelling_is_refused(part, change):
    pieces = envelope().split(".")
    pieces[part] = change(pieces[part])

    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(".".join(pieces), private(), typ=TYPE)


def test_what_is_too_long_is_neither_made_nor_opened():
    key = jose.device_key(public())
    longest = b"x" * jose.LONGEST_PAYLOAD

    assert (
        jose.decrypt(jose.encrypt_to(key, longest, kid="d", typ=TYPE), private(), typ=TYPE)
        == longest
    )
    with pytest.raises(EnvelopeInvalid):
        jose.encrypt_to(key, longest + b"x", kid="d", typ=TYPE)
    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(envelope(payload=longest + b"x"), private(), typ=TYPE)
    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(envelope(kid="k" * 1000), private(), typ=TYPE)


@given(st.text() | st.lists(st.text("AQab09-_."), min_size=4, max_size=6).map(".".join))
def test_any_text_is_refused_and_nothing_worse(text):
    with pytest.raises(EnvelopeInvalid):
        jose.decrypt(text, NOBODYS, typ=TYPE)


@given(
    st.dictionaries(st.sampled_from(sorted(jose.JWK_NAMES)), st.none() | st.text() | st.integers())
)
def test_any_object_is_a_key_or_refused(jwk):
    with suppress(CryptoError):
        jose.device_key(jwk)


@given(st.text())
def test_any_text_is_an_spki_or_refused(text):
    with suppress(CryptoError):
        jose.device_key_of_spki(text)
