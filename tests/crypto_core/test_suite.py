"""The sealed form: what goes in comes out, and nothing else ever does."""

import os
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crypto_core import suite
from crypto_core.errors import (
    CryptoError,
    DecryptionFailed,
    MetadataInvalid,
    MetadataMissing,
    PayloadTooLarge,
    UnsupportedVersion,
)
from crypto_core.suite import Context, Header, Scope

KEY = bytes(range(32))
KID = suite.key_id(KEY)
CONTEXT = Context(UUID(int=1), UUID(int=2), UUID(int=3))
TEXT = b"5 mg, twice a day"

names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
contexts = st.builds(Context, names, names, names, names)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def sealed(text: bytes = TEXT, context: Context = CONTEXT, extra: bytes = b""):
    ciphertext, metadata = suite.seal(KEY, KID, text, context, extra)
    return ciphertext, suite.parse(metadata)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(st.binary(max_size=3000), contexts, st.binary(max_size=100))
def test_what_was_sealed_opens(text, context, extra):
    ciphertext, header = sealed(text, context, extra)

    assert suite.open(KEY, ciphertext, header, context, extra) == text


def test_the_longest_text_is_sealed_and_a_longer_one_refused():
    ciphertext, header = sealed(b"x" * suite.MAX_PLAINTEXT)

    assert suite.open(KEY, ciphertext, header, CONTEXT) == b"x" * suite.MAX_PLAINTEXT
    with pytest.raises(PayloadTooLarge):
        sealed(b"x" * (suite.MAX_PLAINTEXT + 1))


@pytest.mark.req("S57")
def test_every_flipped_bit_is_noticed():
    ciphertext, header = sealed()
    iv, tag, kid = header

    for bit in range(len(ciphertext) * 8):
        with pytest.raises(DecryptionFailed):
            suite.open(KEY, flipped(ciphertext, bit), header, CONTEXT)
    for bit in range(len(iv) * 8):
        with pytest.raises(DecryptionFailed):
            suite.open(KEY, ciphertext, Header(flipped(iv, bit), tag, kid), CONTEXT)
    for bit in range(len(tag) * 8):
        with pytest.raises(DecryptionFailed):
            suite.open(KEY, ciphertext, Header(iv, flipped(tag, bit), kid), CONTEXT)


@given(st.integers(min_value=0, max_value=79))
def test_a_shortened_ciphertext_is_noticed(length):
    ciphertext, header = sealed()
    assume(length < len(ciphertext))

    with pytest.raises(DecryptionFailed):
        suite.open(KEY, ciphertext[:length], header, CONTEXT)


@pytest.mark.req("S61", "S64")
@given(contexts, contexts)
def test_a_body_opens_in_no_other_context(here, there):
    assume(here != there)
    ciphertext, header = sealed(context=here)

    with pytest.raises(DecryptionFailed):
        suite.open(KEY, ciphertext, header, there)


@pytest.mark.req("S61")
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_body_opens_with_no_other_extra_data(extra, other):
    assume(extra != other)
    ciphertext, header = sealed(extra=extra)

    with pytest.raises(DecryptionFailed):
        suite.open(KEY, ciphertext, header, CONTEXT, other)


def test_a_body_opens_under_no_other_key():
    ciphertext, header = sealed()
    other = os.urandom(32)

    for kid in (KID, suite.key_id(other)):
        with pytest.raises(DecryptionFailed):
            suite.open(other, ciphertext, Header(header.iv, header.tag, kid), CONTEXT)


def test_a_key_opens_nothing_that_names_another():
    other = suite.key_id(bytes(32))
    ciphertext, metadata = suite.seal(KEY, other, TEXT, CONTEXT)

    with pytest.raises(DecryptionFailed):
        suite.open(KEY, ciphertext, suite.parse(metadata), CONTEXT)


def test_no_two_sealings_are_alike():
    seals = [suite.seal(KEY, KID, TEXT, CONTEXT) for _ in range(50)]

    assert len({ciphertext for ciphertext, _ in seals}) == 50
    assert len({metadata["iv"] for _, metadata in seals}) == 50


@pytest.mark.req("S60")
def test_metadata_has_exactly_four_fields():
    _, metadata = suite.seal(KEY, KID, TEXT, CONTEXT)

    assert list(metadata) == ["algorithm", "iv", "authTag", "keyId"]
    assert metadata["algorithm"] == "AES-256-GCM"
    assert [len(metadata[name]) for name in ("iv", "authTag", "keyId")] == [16, 22, 43]


@pytest.mark.parametrize("name", suite.FIELDS)
@pytest.mark.parametrize("nothing", ["absent", None])
def test_a_missing_field_is_named(name, nothing):
    _, metadata = suite.seal(KEY, KID, TEXT, CONTEXT)
    changed: dict[str, object] = {**metadata, name: None}
    if nothing == "absent":
        del changed[name]

    with pytest.raises(MetadataMissing, match=name):
        suite.parse(changed)


@pytest.mark.req("S67")
@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "AES-128-GCM"},
        {"algorithm": "aes-256-gcm"},
        {"iv": "AAAA"},
        {"iv": "A" * 15 + "="},
        {"iv": "A" * 15 + "+"},
        {"iv": 12},
        {"authTag": "A" * 21 + "B"},  # a second spelling: its last four bits are not used
        {"authTag": "A" * 24},
        {"keyId": "A" * 42 + "\n"},
        {"keyId": ["A" * 43]},
        {"kid": "one too many"},
    ],
)
def test_malformed_metadata_is_refused(change):
    _, metadata = suite.seal(KEY, KID, TEXT, CONTEXT)

    with pytest.raises(MetadataInvalid):
        suite.parse({**metadata, **change})


@given(json_values | st.dictionaries(st.sampled_from(suite.FIELDS), json_values, min_size=3))
def test_any_metadata_is_read_or_refused(metadata):
    with suppress(CryptoError):
        assert isinstance(suite.parse(metadata), Header)


@given(st.binary(max_size=100))
def test_every_value_has_one_spelling(data):
    text = suite.b64(data)

    assert suite.unb64(text, len(data)) == data
    for wrong in (text + "=", text + "A", " " + text):
        with pytest.raises(MetadataInvalid):
            suite.unb64(wrong, len(data))


@pytest.mark.req("S59")
@pytest.mark.parametrize("version", ["0", "2", "", "1.0", 1, ["1"]])
def test_an_unknown_version_is_not_guessed_at(version):
    with pytest.raises(UnsupportedVersion):
        suite.opener(version)


def test_a_missing_version_is_said_to_be_missing():
    with pytest.raises(MetadataMissing, match="version"):
        suite.opener(None)


@given(st.binary(max_size=5000))
def test_padding_hides_the_length_and_costs_an_eighth_at_most(text):
    padded = suite.pad(text)

    assert suite.unpad(padded) == text
    assert len(padded) == suite.padded_size(len(text) + 1)
    assert 64 <= len(padded) <= max(64, (len(text) + 1) * 1.12)


def test_short_answers_have_one_length():
    assert {len(suite.pad(b"x" * length)) for length in range(64)} == {64}


@given(st.binary(max_size=200))
def test_any_padding_is_read_or_refused(padded):
    with suppress(DecryptionFailed):
        assert suite.pad(suite.unpad(padded)) == padded


@given(contexts, contexts)
def test_no_two_contexts_are_bound_alike(one, other):
    assume(one != other)

    assert one.bind(KID) != other.bind(KID)


@pytest.mark.parametrize("field", ["", "a:b", "a b", "ä", "x" * 65, "a\n"])
def test_a_context_that_could_be_read_two_ways_is_refused(field):
    with pytest.raises(ValueError, match="1 to 64"):
        Context(uuid4(), uuid4(), uuid4(), field).bind(KID)


def test_a_wrapped_key_opens_only_in_its_scope_and_under_its_parent():
    parent, scope = os.urandom(32), Scope(uuid4(), "content", uuid4())
    blob = suite.wrap(parent, "p1", KEY, scope.bind(KID))

    assert suite.unwrap(parent, "p1", blob, scope.bind(KID)) == KEY
    other_scopes = (
        Scope(scope.tenant, "index", scope.conversation),
        Scope(scope.tenant, "content", uuid4()),
        Scope(uuid4(), "content", scope.conversation),
        Scope(scope.tenant, "content"),
    )
    for wrong in (
        (os.urandom(32), "p1", blob, scope.bind(KID)),
        (parent, "p2", blob, scope.bind(KID)),
        (parent, "p1", blob, scope.bind(suite.key_id(bytes(32)))),
        *((parent, "p1", blob, other.bind(KID)) for other in other_scopes),
    ):
        with pytest.raises(DecryptionFailed):
            suite.unwrap(*wrong)


def test_no_two_wrappings_of_a_key_are_alike():
    blobs = {suite.wrap(KEY, "p1", KEY, b"") for _ in range(20)}

    assert len({blob[: suite.IV_BYTES] for blob in blobs}) == 20


@given(st.binary(max_size=80))
def test_any_blob_is_refused_as_a_wrapped_key(blob):
    with pytest.raises(DecryptionFailed):
        suite.unwrap(KEY, "p1", blob, b"")
