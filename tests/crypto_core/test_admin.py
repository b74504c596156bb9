"""Operators see which keys there are; nobody sees or changes one."""

from uuid import uuid4

import pytest
from django.contrib.admin.utils import quote  # an id may hold underscores
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, Device, TenantKey
from crypto_core.suite import Scope
from messaging.models import Tenant, User

pytestmark = pytest.mark.django_db
LISTS = {name: f"admin:crypto_core_{name}" for name in ("tenantkey", "conversationkey")}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "content", uuid4())


@pytest.mark.parametrize("table", [TenantKey, ConversationKey])
def test_lists_and_pages_show_no_material(operator, scope, table):
    KeyRing().active(scope)
    row = table.objects.first()
    name = LISTS[table._meta.model_name]

    pages = [
        operator.get(reverse(f"{name}_changelist")),
        operator.get(reverse(f"{name}_changelist"), {"q": str(scope.tenant)}),
        operator.get(reverse(f"{name}_change", args=[quote(row.pk)])),
    ]

    for page in pages:
        assert page.status_code == 200
        assert row.pk in page.text
        assert bytes(row.wrapped).hex() not in page.text and "wrapped" not in page.text.lower()


@pytest.mark.parametrize("name", LISTS.values())
def test_nothing_can_be_added_changed_or_deleted(operator, scope, name):
    own = scope if "conversation" in name else Scope(scope.tenant, "wrap")
    kid = KeyRing().active(own).id

    assert operator.get(reverse(f"{name}_add")).status_code == 403
    assert (
        operator.post(reverse(f"{name}_change", args=[quote(kid)]), {"state": "x"}).status_code
        == 403
    )
    assert (
        operator.post(reverse(f"{name}_delete", args=[quote(kid)]), {"post": "yes"}).status_code
        == 403
    )


def test_staff_see_the_keys_of_their_own_tenant_only(scope):
    clinic = Tenant.objects.create(name="Clinic", slug="clinic")
    staff = User.objects.create_user("staff", tenant=clinic, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_conversationkey"))
    own = KeyRing().active(Scope(clinic.pk, "content", uuid4())).id
    foreign = KeyRing().active(scope).id
    client = Client()
    client.force_login(staff)

    page = client.get(reverse("admin:crypto_core_conversationkey_changelist"))

    assert own in page.text and foreign not in page.text
    missing = client.get(reverse("admin:crypto_core_conversationkey_change", args=[quote(foreign)]))
    assert missing.status_code == 302


def test_a_device_is_shown_without_its_challenge(operator):
    now = timezone.now()
    row = Device.objects.create(
        tenant_id=uuid4(), owner_id=uuid4(), label="Bob's phone", jwk={"kty": "RSA"},
        thumbprint="A" * 43, challenge=b"challenge", challenge_expires_at=now, created_at=now,
    )  # fmt: skip

    pages = [
        operator.get(reverse("admin:crypto_core_device_changelist"), {"q": str(row.owner_id)}),
        operator.get(reverse("admin:crypto_core_device_change", args=[row.pk])),
    ]

    for page in pages:
        assert page.status_code == 200 and row.thumbprint in page.text
        assert b"challenge".hex() not in page.text and "b'challenge'" not in page.text
    assert operator.get(reverse("admin:crypto_core_device_add")).status_code == 403
