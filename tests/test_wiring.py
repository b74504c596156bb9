"""The fifteen wiring checks (S149): what must be there for the parts to be one system."""

import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, AddIndex
from django.urls import resolve
from django_celery_beat.models import PeriodicTask
from rest_framework.test import APIClient

from config import beat
from messaging import jobs as declared
from messaging.models import Message, User
from messaging.services import conversations
from messaging.services.sending import Draft, send_direct, send_group
from messaging.workflow import MESSAGE
from queueing import control, health, metrics, registry
from queueing.jobs import JobKind
from queueing.models import Job
from queueing.queues import BY_NAME, QUEUES
from tests.config.test_checks import PRODUCTION, check
from tests.config.test_variables import read
from tests.messaging import test_migrations as migrations
from tests.test_house import APPS, ROOT, example, sources

pytestmark = pytest.mark.req("S149")
scratch = migrations.scratch

COLUMNS = {"is_encrypted", "encrypted_content", "encryption_metadata", "encryption_version"}
INDEXES = {"messages_is_encrypted_idx", "messages_conversation_encrypted_idx"}
KINDS = {
    "send-message": "message-delivery",
    "delivery-confirmation": "message-delivery",
    "send-notification": "message-notification",
    "encrypt-decrypt": "message-encryption",
    "index-message": "message-indexing",
    "batch-send": "batch-message-sending",
    "cleanup-messages": "message-cleanup",
}
NOBODY = "00000000-0000-7000-8000-000000000000"
PATHS = (  # S112-S120: method, path, how it answers an operator who says nothing
    ("post", "messages/direct", 400),
    ("post", "messages/group", 400),
    ("get", "messages/queue/metrics", 200),
    ("get", "queue/metrics", 200),
    ("get", "messages/queue/message-delivery/health", 200),
    ("get", "queue/MESSAGE_DELIVERY/health", 200),
    ("get", "messages/queue/health", 200),
    ("get", "queue/health", 200),
    ("get", "messages/queue/message-delivery/failed", 200),
    ("post", f"messages/queue/message-delivery/failed/{NOBODY}/retry", 404),
    ("get", f"messages/jobs/{NOBODY}", 404),
    ("post", f"messages/jobs/{NOBODY}/retry", 404),
)
USED = {  # distribution: what imports or starts it
    "django": "django",
    "djangorestframework": "rest_framework",
    "channels": "channels",
    "channels-redis": "channels_redis",
    "celery": "celery",
    "redis": "redis",
    "psycopg": "psycopg",
    "cryptography": "cryptography",
    "django-celery-beat": "django_celery_beat",
    "flower": "flower",
}


def defaults() -> dict[str, str]:
    """What .env.example gives each variable."""
    lines = (ROOT / ".env.example").read_text()
    return dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", lines, re.MULTILINE))


def is_read(variable: str) -> bool:
    """Whether our code asks for *variable*."""
    names = {queue.variable for queue in QUEUES}
    wanted = re.compile(rf"[\"']{variable}[\"']")
    return variable in names or any(wanted.search(path.read_text()) for path in sources("config"))


@pytest.mark.req("S160")
def test_01_database_migration_file_exists() -> None:
    migration = MigrationLoader(None).disk_migrations["messaging", "0002_message_encryption"]
    columns = {each.name for each in migration.operations if isinstance(each, AddField)}
    indexes = {each.index.name for each in migration.operations if isinstance(each, AddIndex)}

    assert columns >= COLUMNS
    assert indexes >= INDEXES


@pytest.mark.req("S74", "S160")
def test_02_migration_file_is_valid(scratch: str) -> None:
    migration = MigrationLoader(None).disk_migrations["messaging", "0002_message_encryption"]

    assert migration.atomic
    migrations.test_ten_thousand_plain_rows_survive_the_way_back_and_forth(scratch)
    migrations.rows("DELETE FROM messages")
    migrations.test_the_way_back_is_refused_and_changes_nothing_while_a_row_is_sealed(scratch)


def test_03_configuration_file_exists(capsys: pytest.CaptureFixture[str]) -> None:
    execute_from_command_line(["manage.py", "diffsettings", "--output", "unified"])

    assert settings.SETTINGS_MODULE == "config.settings"
    assert "+ ROOT_URLCONF = 'config.urls'" in capsys.readouterr().out
    assert '"config.settings"' in (ROOT / "manage.py").read_text()


@pytest.mark.req("S78")
def test_04_database_configuration_file_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ada:pw@db.example:6432/ward?sslmode=verify-full"
    found = database(monkeypatch, url)

    assert (found["USER"], found["HOST"], found["NAME"]) == ("ada", "db.example", "ward")
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert "DATABASE_URL" in example()


def database(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    """The database that the settings name where DATABASE_URL is *url*."""
    monkeypatch.setenv("DATABASE_URL", url)
    found: dict[str, Any] = read()["DATABASES"]["default"]
    return found


@pytest.mark.req("S78")
@pytest.mark.django_db
def test_05_database_configuration_is_valid() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False,)

    far = "postgresql://app:pw@db.example/app"
    for url in (far, f"{far}?sslmode=require"):
        done = check("--deploy", **PRODUCTION | {"DATABASE_URL": url})
        assert done.returncode == 1 and "config.E107" in done.stderr


@pytest.mark.req("S41", "S46", "S53", "S55")
@pytest.mark.django_db
def test_06_queue_integration_helper_exists() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text()
    helpers = (MESSAGE.start, metrics.snapshot, health.of, control.retry, Job.objects.dead)

    for name in KINDS:
        kind = registry.find(name)
        assert isinstance(kind, JobKind) and name in page
        assert kind.enqueue.__annotations__["return"]
    assert all(callable(each) and each.__annotations__ for each in helpers)
    for name in ("QueueIntegrationHelper", "processSendMessage", "message-queue-monitor"):
        assert name in page


@pytest.mark.req("S49", "S54", "S56")
@pytest.mark.django_db
def test_07_message_service_includes_queue_imports(alice: User, bob: User) -> None:
    group = conversations.start(creator=alice, participant_ids=[bob.pk]).body["id"]
    draft = Draft(content="Hello", encrypted=True)
    sends: tuple[Callable[[], object], ...] = (
        lambda: send_direct(sender=alice, recipient_id=bob.pk, draft=draft),
        lambda: send_group(sender=alice, conversation_id=group, draft=draft),
    )

    for send in sends:
        with transaction.atomic():
            send()
            assert (Message.objects.count(), Job.objects.count()) == (1, 4)
            transaction.set_rollback(True)
        assert not Message.objects.exists() and not Job.objects.exists()


@pytest.mark.req("S112", "S113", "S114", "S115", "S116", "S117", "S118", "S119", "S120")
@pytest.mark.parametrize("prefix", ["/api/v1/", "/api/"])
@pytest.mark.django_db
def test_08_message_controller_includes_queue_endpoints(prefix: str, operator: User) -> None:
    browser = APIClient()
    browser.force_authenticate(operator)

    for method, path, status in PATHS:
        assert resolve(f"{prefix}{path}")
        body = {"data": {}, "format": "json"} if method == "post" else {}
        answer = getattr(browser, method)(f"{prefix}{path}", **body)
        assert answer.status_code == status, path


@pytest.mark.req("S1", "S35", "S108")
@pytest.mark.django_db(transaction=True)
def test_09_module_has_correct_imports() -> None:
    kinds = {name: registry.find(name) for name in KINDS}
    beat.write_absent()

    assert {"channels", "rest_framework", "django_celery_beat", "messaging"} < set(
        settings.INSTALLED_APPS
    )
    assert isinstance(get_channel_layer(), RedisPubSubChannelLayer)
    assert {name: kind and kind.queue.name for name, kind in kinds.items()} == KINDS
    assert declared.__all__
    assert set(current_app.amqp.queues) == set(BY_NAME) and len(BY_NAME) == 6
    rows = PeriodicTask.objects.filter(name__startswith="cleanup.").values_list("name", flat=True)
    assert {f"cleanup.{each}_messages" for each in ("old", "orphaned", "deleted")} <= set(rows)


@pytest.mark.req("S72", "S77")
@pytest.mark.django_db
def test_10_message_model_includes_encryption_fields() -> None:
    migrations.test_the_catalogue_has_the_encryption_columns_in_their_types()
    migrations.test_the_catalogue_has_both_named_indexes()

    optional = {field.name for field in Message._meta.get_fields() if getattr(field, "null", 0)}
    assert optional >= COLUMNS - {"is_encrypted"}
    assert Message._meta.get_field("is_encrypted").default is False


@pytest.mark.req("S135")
def test_11_env_example_includes_redis_configuration() -> None:
    wanted = {
        "REDIS_HOST": "localhost",
        "REDIS_PORT": "6379",
        "REDIS_USERNAME": "default",
        "REDIS_PASSWORD": "",
        "REDIS_DB": "0",
        "REDIS_QUEUE_DB": "1",
        "REDIS_CONNECTION_TIMEOUT": "500",
        "REDIS_TTL_DEFAULT": "300",
    }

    assert {name: defaults()[name] for name in wanted} == wanted
    assert all(map(is_read, wanted))


@pytest.mark.req("S138")
def test_12_env_example_includes_encryption_configuration() -> None:
    names = ("ALGORITHM", "AES_KEY_BITS", "RSA_KEY_BITS", "ROTATION_ENABLED")
    names += ("ROTATION_INTERVAL", "SESSION_KEY_TTL")
    bad = {"ALGORITHM": "DES", "AES_KEY_BITS": "128", "RSA_KEY_BITS": "1024"}

    done = check(**PRODUCTION | {f"ENCRYPTION_{name}": value for name, value in bad.items()})

    assert all(defaults()[f"ENCRYPTION_{name}"] for name in names)
    assert all(is_read(f"ENCRYPTION_{name}") for name in names)
    assert done.returncode == 1
    for number in ("E003", "E004", "E005"):
        assert re.search(rf"crypto_core\.{number}\).*\n\s+HINT: ", done.stderr)


@pytest.mark.req("S139")
def test_13_env_example_includes_websocket_configuration() -> None:
    wanted = {
        "WS_PORT": "8001",
        "WS_PATH": "/ws/v1",
        "WS_CORS_ORIGINS": "",
        "WS_PING_INTERVAL": "20",
        "WS_PING_TIMEOUT": "20",
    }

    assert {name: defaults()[name] for name in wanted} == wanted
    assert all(map(is_read, wanted))


@pytest.mark.req("S153")
def test_14_queue_api_documentation_exists() -> None:
    page = (ROOT / "docs" / "QUEUE_API_ENDPOINTS.md").read_text()
    named = {
        re.sub(r"\{\w+\}", "*", path) for path in re.findall(r"/(?:messages|queue)/[^`\s?]+", page)
    }

    assert len(page.splitlines()) >= 300
    for _, path, _ in PATHS:
        form = re.sub("message-delivery|MESSAGE_DELIVERY", "*", path).replace(NOBODY, "*")
        assert f"/{form}" in named, path


@pytest.mark.req("S159")
def test_15_dependencies_are_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["project"]["dependencies"]
    names = {re.split(r"[\[><=~ ;]", line)[0] for line in lines}
    code = "\n".join(path.read_text() for path in sources(*APPS))
    imported = set(re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE))

    assert set(USED) <= names
    assert set(USED.values()) - imported - {"flower"} == set()
    assert re.search(r"\bflower\b", (ROOT / "config" / "programs.py").read_text())
