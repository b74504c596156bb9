"""Seal, open, promote, rotate: against real PostgreSQL, as messaging calls them."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from crypto_core.errors import (
    CryptoError,
    DecryptionFailed,
    EncryptionDisabled,
    KeyDestroyed,
    KeyMismatch,
    KeyNotFound,
    MetadataMissing,
    PayloadInvalid,
    PayloadTooLarge,
    UnsupportedVersion,
)
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.service import Context, EncryptionService, Sealed, encryption

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Bed 4: 5 mg, twice a day ☤"


@pytest.fixture
def context() -> Context:
    return Context(uuid4(), uuid4(), uuid4())


def ok(result: Sealed | CryptoError) -> Sealed:
    assert isinstance(result, Sealed)
    return result


def promoted(service: EncryptionService, sealed: Sealed, context: Context) -> Sealed:
    with transaction.atomic():
        return ok(service.promote_many([(sealed, context)])[0])


def test_what_was_sealed_on_arrival_opens_in_its_context(service, context):
    sealed = service.seal_ingress(TEXT, context)

    assert service.open(sealed, context) == TEXT
    assert TenantKey.objects.get(pk=sealed.metadata["keyId"]).purpose == "ingress"


def test_parts_that_arrive_together_are_under_one_key(service, context):
    parts = [("text", context), ("{}", replace(context, part="metadata"))]

    sealed = [ok(body) for body in service.seal_ingress_many(parts)]

    assert len({body.metadata["keyId"] for body in sealed}) == 1
    assert service.open_many([(body, c) for body, (_, c) in zip(sealed, parts, strict=True)]) == [
        "text",
        "{}",
    ]


@pytest.mark.req("S62", "S66")
def test_a_promoted_body_is_under_its_conversations_session_key(service, context):
    sealed = promoted(service, service.seal_ingress(TEXT, context), context)

    key = ConversationKey.objects.get(pk=sealed.metadata["keyId"])
    assert (key.conversation_id, key.purpose) == (context.conversation, "content")
    assert service.open(sealed, context) == TEXT


def test_promoting_twice_changes_nothing(service, context):
    once = promoted(service, service.seal_ingress(TEXT, context), context)

    assert promoted(service, once, context) is once


@pytest.mark.req("D6")
def test_another_process_opens_what_this_one_sealed(service, context):
    sealed = service.seal(TEXT, context)

    assert EncryptionService().open(sealed, context) == TEXT


def test_every_process_has_one_service():
    assert encryption() is encryption()


def test_ids_may_be_given_as_text(service, context):
    as_text = Context(str(context.tenant), str(context.conversation), str(context.message))

    assert service.open(service.seal(TEXT, as_text), context) == TEXT
    with pytest.raises(ValueError, match="lower case"):
        service.seal(TEXT, Context(str(uuid4()).upper(), uuid4(), uuid4()))


def test_one_bad_item_does_not_fail_its_neighbours(service, context):
    good = service.seal(TEXT, context)
    bad = Sealed(good.ciphertext[:-1] + b"!", good.metadata, good.version)
    bare = Sealed(good.ciphertext, {}, good.version)
    newer = Sealed(good.ciphertext, good.metadata, "2")

    results = service.open_many([(item, context) for item in (bad, good, bare, newer)])

    assert results[1] == TEXT
    assert [type(results[n]) for n in (0, 2, 3)] == [
        DecryptionFailed,
        MetadataMissing,
        UnsupportedVersion,
    ]


def test_texts_that_cannot_be_sealed_come_back_as_errors(service, context):
    long, broken, fine = service.seal_many(
        [("x" * 65_537, context), ("half a \ud83d", context), (TEXT, context)]
    )

    assert isinstance(long, PayloadTooLarge) and isinstance(broken, PayloadInvalid)
    assert service.open(ok(fine), context) == TEXT


def test_promoting_reports_each_body_that_cannot_be_opened(service, context):
    good = service.seal_ingress(TEXT, context)
    bad = Sealed(b"\0" + good.ciphertext[1:], good.metadata, good.version)

    with transaction.atomic():
        results = service.promote_many([(bad, context), (good, context)])

    assert isinstance(results[0], DecryptionFailed)
    assert service.open(ok(results[1]), context) == TEXT


def test_promoting_needs_the_callers_transaction(service, context):
    with pytest.raises(TransactionManagementError):
        service.promote_many([])


@pytest.mark.req("S64")
def test_other_tenants_and_conversations_keys_are_refused(service, context):
    sealed = service.seal(TEXT, context)

    for other in (
        Context(uuid4(), context.conversation, context.message),
        Context(context.tenant, uuid4(), context.message),
    ):
        with pytest.raises(KeyMismatch):
            service.open(sealed, other)


def test_an_ingress_key_opens_only_in_the_context_it_sealed_in(service, context):
    sealed = service.seal_ingress(TEXT, context)

    with pytest.raises(DecryptionFailed):
        service.open(sealed, Context(context.tenant, uuid4(), context.message))
    with pytest.raises(KeyMismatch):
        service.open(sealed, Context(uuid4(), context.conversation, context.message))


def test_an_unknown_key_is_not_found(service, context):
    sealed = service.seal(TEXT, context)
    metadata = sealed.metadata | {"keyId": sealed.metadata["authTag"] + "A" * 21}

    with pytest.raises(KeyNotFound):
        service.open(Sealed(sealed.ciphertext, metadata, sealed.version), context)


@pytest.mark.req("S67", "D2")
def test_while_encryption_is_off_nothing_is_sealed_and_everything_opens(service, context, settings):
    sealed, fresh = service.seal_ingress(TEXT, context), service.seal(TEXT, context)
    settings.ENCRYPTION_ENABLED = False

    for seal in (service.seal, service.seal_ingress):
        with pytest.raises(EncryptionDisabled):
            seal(TEXT, context)
    with pytest.raises(EncryptionDisabled):
        service.seal_many([(TEXT, context)])
    assert service.open_many([(sealed, context), (fresh, context)]) == [TEXT, TEXT]
    assert service.open(promoted(service, sealed, context), context) == TEXT


def test_a_destroyed_key_opens_nothing_again(service, context):
    sealed = service.seal(TEXT, context)
    kid = sealed.metadata["keyId"]

    assert service.destroy(kid, "retention") is True
    assert service.destroy(kid, "retention") is False

    row = ConversationKey.objects.get(pk=kid)
    assert (row.state, row.wrapped) == (KeyState.DESTROYED, None)
    with pytest.raises(KeyDestroyed):
        service.open(sealed, context)
    assert service.is_session_key(context.tenant, [kid]) == {kid}


def test_session_keys_are_told_from_ingress_keys(service, context):
    early, late = service.seal_ingress(TEXT, context), service.seal(TEXT, context)
    kids = {sealed.metadata["keyId"] for sealed in (early, late)}

    assert service.is_session_key(context.tenant, kids) == {late.metadata["keyId"]}
    assert service.is_session_key(uuid4(), kids) == set()


def test_index_keys_are_made_once_and_listed_only_where_they_exist(service, context):
    made = service.index_key(context.tenant, context.conversation)

    assert service.index_key(context.tenant, context.conversation) == made
    conversations = [UUID(str(context.conversation)), uuid4()]
    assert service.index_keys(context.tenant, conversations) == {context.conversation: made}
    assert service.index_keys(context.tenant, []) == {}


def test_a_tenants_macs_are_under_its_own_audit_key(service, context):
    kid, mac = service.mac(context.tenant, b"body")

    assert service.mac(context.tenant, b"body") == (kid, mac)
    assert service.mac(uuid4(), b"body") != (kid, mac)
    assert TenantKey.objects.get(pk=kid).purpose == "audit"


@pytest.mark.req("S62")
def test_with_cached_keys_nothing_is_asked_but_the_session_key_to_promote_to(
    service, context, django_assert_num_queries
):
    others = [Context(context.tenant, uuid4(), uuid4()) for _ in range(5)]
    items = [(service.seal_ingress(TEXT, other), other) for other in others]
    service.mac(context.tenant, b"")
    with transaction.atomic():
        service.promote_many(items)

    with transaction.atomic(), django_assert_num_queries(1):
        results = service.promote_many(items)
    with django_assert_num_queries(0):
        service.open_many([(ok(item), other) for item, other in zip(results, others, strict=True)])
        service.open_many(items)
        service.seal_many([(TEXT, other) for other in others])
        service.seal_ingress(TEXT, context)
        service.mac(context.tenant, b"")
        service.is_session_key(context.tenant, [ok(item).metadata["keyId"] for item in results])
    with django_assert_num_queries(1):
        service.index_keys(context.tenant, [UUID(str(other.conversation)) for other in others])


def test_without_cached_keys_the_number_of_queries_does_not_grow(
    service, context, django_assert_num_queries
):
    others = [Context(context.tenant, uuid4(), uuid4()) for _ in range(20)]
    items = [(ok(item), context) for item in service.seal_many([(TEXT, c) for c in others])]
    items = [(item, other) for (item, _), other in zip(items, others, strict=True)]

    with django_assert_num_queries(2):
        assert EncryptionService().open_many(items) == [TEXT] * 20
    with django_assert_num_queries(2):
        EncryptionService().seal_many([(TEXT, other) for other in others])


def test_no_statement_holds_a_text_or_a_key(service, context):
    seen = []

    def record(execute, sql, values, many, rest):
        seen.append((sql, values))
        return execute(sql, values, many, rest)

    with connection.execute_wrapper(record):
        promoted(service, service.seal_ingress(TEXT, context), context)
        _, index_key = service.index_key(context.tenant, context.conversation)

    values = [value for _, values in seen for value in values or ()]
    assert seen and not any("5 mg" in repr(value) for value in values)
    assert index_key not in values
