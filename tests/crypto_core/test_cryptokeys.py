"""manage.py cryptokeys: what operators do with keys, without seeing one."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from crypto_core.kek import LocalKeyring
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey
from crypto_core.suite import Scope


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("cryptokeys", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def test_new_prints_an_entry_that_is_a_keyring_by_itself(settings):
    settings.CRYPTO_KEYRING = ""

    entry, other = run("new"), run("new", "--id", "named")

    assert LocalKeyring.parse(entry).current != LocalKeyring.parse(other).current == "named"
    assert not {*json.loads(entry).values()} & {*json.loads(other).values()}


@pytest.mark.django_db(transaction=True)
def test_list_shows_what_keys_are_for_and_never_what_they_are():
    scope = Scope(uuid4(), "content", uuid4())
    key = KeyRing().active(scope)

    of_tenant, of_conversation = run("list", scope.tenant), run("list", scope.conversation)

    assert key.id in of_tenant and "ingress" in of_tenant
    assert key.id in of_conversation and "ingress" not in of_conversation
    assert key.material.hex() not in of_tenant


@pytest.mark.django_db(transaction=True)
def test_rotate_gives_a_conversation_a_new_key():
    scope = Scope(uuid4(), "content", uuid4())
    old = KeyRing().active(scope).id

    new = run("rotate", scope.conversation, "--reason", "a device was lost").strip()

    assert KeyRing().active(scope).id == new != old
    assert ConversationKey.objects.get(pk=old).state == "retired"


@pytest.mark.django_db(transaction=True)
def test_rotate_needs_a_conversation_that_has_a_key():
    with pytest.raises(CommandError, match="no key yet"):
        run("rotate", uuid4(), "--reason", "test")


@pytest.mark.django_db(transaction=True)
def test_rewrap_says_how_many_keys_it_moved():
    KeyRing().active(Scope(uuid4(), "audit"))

    assert run("rewrap").startswith("0 keys moved")


@pytest.mark.django_db(transaction=True)
def test_rewrap_without_a_keyring_fails_with_the_reason(settings):
    settings.CRYPTO_KEYRING = ""

    with pytest.raises(CommandError, match="keyring-invalid"):
        run("rewrap")
