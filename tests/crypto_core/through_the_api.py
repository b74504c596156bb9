"""What the required suites say of whole messages: sent, stored and read through the API."""

from uuid import UUID

import pytest
from django.conf import settings

from crypto_core.errors import DecryptionFailed, KeyMismatch
from crypto_core.service import Context, Sealed
from messaging.models import Message, MessageDelivery
from messaging.services import conversations
from queueing.testing import work_all
from tests.system.canary import columns_with

V1 = "/api/v1"
CANARY = "marmalade-7f3a at bedtime"
RULED_OUT = {"encrypted": True, "content": CANARY}


def sent(answer) -> Message:
    """The row of an accepted send."""
    assert answer.status_code == 202, answer.json()
    return Message.objects.get(pk=answer.json()["message"]["id"])


def body_of(row: Message) -> Sealed:
    return Sealed(bytes(row.encrypted_content), row.encryption_metadata, row.encryption_version)


def database_url() -> str:
    database = settings.DATABASES["default"]
    login = f"{database['USER']}:{database['PASSWORD']}"
    return f"postgresql://{login}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class DirectMessage:
    """S141.1, S141.2."""

    @pytest.mark.req("D3", "S30")
    @pytest.mark.req("S141.1")
    def test_encrypt_store_decrypt_flow(self, client, alice, bob):
        request = {"recipientId": str(bob.pk), **RULED_OUT}
        row = sent(client(alice).post(f"{V1}/messages/direct", request, format="json"))
        work_all()

        row.refresh_from_db()
        assert (row.content, row.is_encrypted, row.encryption_version) == ("", True, "1")
        assert set(row.encryption_metadata) == {"algorithm", "iv", "authTag", "keyId"}
        read = client(bob).get(f"{V1}/messages/{row.pk}").json()
        assert (read["content"], read["isEncrypted"]) == (CANARY, True)
        assert columns_with(database_url(), "marmalade-7f3a") == set()

    @pytest.mark.req("S65")
    @pytest.mark.req("S141.2")
    def test_unauthorized_recipient_protection(
        self, client, connect, service, alice, bob, eve, mallory
    ):
        request = {"recipientId": str(bob.pk), **RULED_OUT}
        row = sent(client(alice).post(f"{V1}/messages/direct", request, format="json"))

        for stranger in (eve, mallory):
            assert client(stranger).get(f"{V1}/messages/{row.pk}").status_code == 404
            refused = connect(stranger).ask("subscribe", conversationId=str(row.conversation_id))
            assert (refused["type"], refused["code"]) == ("error", "not-found")
            hers = Context(stranger.tenant_id, row.conversation_id, stranger.pk)
            with pytest.raises((DecryptionFailed, KeyMismatch)):
                service.open(body_of(row), hers)


class GroupMessage:
    """S142.1, S142.2."""

    @pytest.mark.req("S142.1")
    def test_multi_recipient_encryption(self, client, person, alice, bob):
        people = [bob, *(person(f"member-{i}") for i in range(3))]
        started = conversations.start(creator=alice, participant_ids=[each.pk for each in people])
        request = {"conversationId": started.body["id"], **RULED_OUT}
        row = sent(client(alice).post(f"{V1}/messages/group", request, format="json"))
        work_all()

        assert Message.objects.count() == 1
        assert MessageDelivery.objects.filter(message=row, status="SENT").count() == 4
        for reader in (alice, *people):
            assert client(reader).get(f"{V1}/messages/{row.pk}").json()["content"] == CANARY
        group = UUID(started.body["id"])
        conversations.remove_participant(actor=bob, conversation_id=group, user_id=bob.pk)
        later = sent(client(alice).post(f"{V1}/messages/group", request, format="json"))
        work_all()
        later.refresh_from_db()
        assert client(bob).get(f"{V1}/messages/{later.pk}").status_code == 404
        row.refresh_from_db()
        assert later.key_id != row.key_id

    @pytest.mark.req("S66")
    @pytest.mark.req("S142.2")
    def test_mixed_encryption_status_handling(self, client, alice, bob):
        address = f"{V1}/messages/direct"
        for i, encrypted in enumerate((True, False, True)):
            request = {"recipientId": str(bob.pk), "content": f"no {i}", "encrypted": encrypted}
            row = sent(client(alice).post(address, request, format="json"))
        Message.objects.filter(pk=row.pk).update(encrypted_content=b"x" * 80)

        listed = client(bob).get(f"{V1}/conversations/{row.conversation_id}/messages").json()
        broken, plain, whole = listed["data"]
        assert (broken["content"], broken["error"]["code"]) == ("", "decryption-failed")
        assert (plain["content"], plain["isEncrypted"]) == ("no 1", False)
        assert (whole["content"], whole["isEncrypted"]) == ("no 0", True)


class Degradation:
    """S144.1."""

    @pytest.mark.req("S144.1")
    def test_graceful_degradation_when_encryption_disabled(self, client, alice, bob, settings):
        settings.ENCRYPTION_ENABLED = False
        address, to = f"{V1}/messages/direct", {"recipientId": str(bob.pk)}

        refused = client(alice).post(address, {**to, **RULED_OUT}, format="json")

        assert refused.status_code == 503
        assert refused.json()["type"].endswith("encryption-unavailable")
        assert Message.objects.count() == 0
        plain = sent(client(alice).post(address, {**to, "content": "a plain word"}, format="json"))
        assert (plain.content, plain.is_encrypted) == ("a plain word", False)
