"""Which tokens open the API: ours, signed, current, for this use, and no other."""

import time
from time import monotonic
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.encryption import token_keys
from messaging.errors import AccountDisabled, Unauthenticated
from messaging.models import Session, Tenant, User
from messaging.services import accounts, identities, tokens
from messaging.services.accounts import Tokens
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client


@pytest.fixture
def pair(alice: User) -> Tokens:
    return accounts.open_session(user=alice)


def test_a_token_says_who_calls(alice: User, pair: Tokens) -> None:
    identity = accounts.authenticate(pair.access)

    assert identity.user == alice
    assert identity.user.tenant == alice.tenant
    assert identity.session_id == pair.session_id
    assert 890 < (identity.expires_at - timezone.now()).total_seconds() <= 900


def test_a_token_names_its_key_and_carries_no_names(pair: Tokens) -> None:
    header = jwt.get_unverified_header(pair.access)
    claims = jwt.decode(pair.access, options={"verify_signature": False})

    assert (header["alg"], header["kid"]) == ("EdDSA", token_keys()[0].kid)
    assert set(claims) == set(tokens.CLAIMS)
    assert claims["aud"] == "access"


def test_a_second_look_at_a_token_asks_the_database_nothing(pair: Tokens) -> None:
    with CaptureQueriesContext(
        connection,
    ) as first:
        accounts.authenticate(pair.access)
    with CaptureQueriesContext(connection) as second:
        accounts.authenticate(pair.access)

    assert (len(first), len(second)) == (1, 0)


def test_no_token_is_401_with_a_challenge(client: Client) -> None:
    answer = client().get(f"{V1}/me")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="waxwing"'
    assert answer.json()["type"] == "/problems/unauthenticated"


@pytest.mark.parametrize("scheme", ["Basic", "Token", "bear er", "Bearer:"])
def test_another_scheme_is_401(client: Client, pair: Tokens, scheme: str) -> None:
    nobody = client()
    nobody.credentials(HTTP_AUTHORIZATION=f"{scheme} {pair.access}")

    assert nobody.get(f"{V1}/me").status_code == 401


@pytest.mark.req("D15")
def test_an_expired_token_is_told_so(client: Client, pair: Tokens) -> None:
    holder = client()
    holder.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")

    with time_machine.travel(time.time() + 15 * 60 + tokens.LEEWAY + 1):
        answer = holder.get(f"{V1}/me")

    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/token-expired"


def test_a_refresh_token_does_not_open_the_api(pair: Tokens) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(pair.refresh)


def test_an_access_token_does_not_refresh(pair: Tokens) -> None:
    with pytest.raises(Unauthenticated):
        accounts.refresh(pair.access)


def test_a_session_revoked_elsewhere_is_noticed_within_a_minute(pair: Tokens) -> None:
    accounts.authenticate(pair.access)
    Session.objects.filter(pk=pair.session_id).update(revoked_at=timezone.now())

    later = monotonic() + identities.CACHE_SECONDS
    with (
        patch.object(identities, "monotonic", return_value=later),
        pytest.raises(Unauthenticated),
    ):
        accounts.authenticate(pair.access)
    assert identities.CACHE_SECONDS <= 60


def test_a_raised_token_version_ends_every_token(alice: User, pair: Tokens) -> None:
    User.objects.filter(pk=alice.pk).update(token_version=2)

    with pytest.raises(Unauthenticated):
        accounts.authenticate(pair.access)
    with pytest.raises(Unauthenticated):
        accounts.refresh(pair.refresh)


def test_a_disabled_user_is_shut_out(alice: User, pair: Tokens) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(AccountDisabled):
        accounts.authenticate(pair.access)
    with pytest.raises(Unauthenticated):
        accounts.refresh(pair.refresh)


def test_a_suspended_tenant_is_shut_out(clinic: Tenant, alice: User, pair: Tokens) -> None:
    Tenant.objects.filter(pk=clinic.pk).update(status=Tenant.Status.SUSPENDED)

    with pytest.raises(AccountDisabled):
        accounts.authenticate(pair.access)
    with pytest.raises(Unauthenticated):
        accounts.refresh(pair.refresh)


def test_ended_sessions_are_told_apart_with_one_query(
    alice: User, bob: User, carol: User, django_assert_num_queries: Any
) -> None:
    here, ended, disabled = (
        accounts.open_session(user=user).session_id for user in (alice, bob, carol)
    )
    Session.objects.filter(pk=ended).update(revoked_at=timezone.now())
    User.objects.filter(pk=carol.pk).update(is_active=False)
    unknown = uuid4()

    with django_assert_num_queries(1):
        found = accounts.revoked([here, ended, disabled, unknown])

    assert {key: type(why) for key, why in found.items()} == {
        ended: Unauthenticated,
        disabled: AccountDisabled,
        unknown: Unauthenticated,
    }
