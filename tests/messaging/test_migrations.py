"""The encryption columns come and go without loss, and do not go while something is sealed.

Migrations run in a database of their own: the one of the other tests stays as it is.
"""

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.exceptions import IrreversibleError

SCRATCH = "migrations"
ROWS = 10_000

FILL = """
INSERT INTO messages (id, tenant_id, conversation_id, sender_id, seq, kind, protection, status,
                      priority, content, metadata, is_encrypted, version, created_at, ack_required,
                      traceparent)
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n, 'text',
       'none', 'SENT', 2, 'Message ' || n, jsonb_build_object('n', n), false, 1, now(), false, ''
FROM generate_series(1, %s::int) AS n
"""
SEAL = """
UPDATE messages SET content = '', metadata = NULL, is_encrypted = true, protection = 'managed',
    encrypted_content = 'sealed', encryption_version = '1', encryption_metadata =
    '{"algorithm": "AES-256-GCM", "iv": "i", "authTag": "t", "keyId": "k"}'
WHERE seq = 1
"""
COLUMNS = """
SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
"""
ROUTINES = """
SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal
"""
APPLIED = "SELECT app, name FROM django_migrations"
PLAIN = "SELECT md5(string_agg((id, seq, content, metadata, created_at)::text, '' ORDER BY id))"


@pytest.fixture
def scratch(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The alias of an empty database with every migration applied."""
    with django_db_blocker.unblock():
        settings = connections["default"].settings_dict
        name = f"{settings['NAME']}_{SCRATCH}"
        with connections["default"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
        connections.settings[SCRATCH] = {**settings, "NAME": name}
        migrate()
        yield SCRATCH
        connections[SCRATCH].close()
        with connections["default"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        connections["default"].close()
        del connections[SCRATCH], connections.settings[SCRATCH]


def migrate(*where: str) -> None:
    call_command("migrate", *where, database=SCRATCH, verbosity=0)


def rows(query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    with connections[SCRATCH].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def structure() -> list[set[tuple[Any, ...]]]:
    """All that migrations make."""
    return [set(rows(query)) for query in (COLUMNS, INDEXES, CONSTRAINTS, ROUTINES, APPLIED)]


@pytest.mark.req("S160")
@pytest.mark.req("S74")
def test_ten_thousand_plain_rows_survive_the_way_back_and_forth(scratch: str) -> None:
    before = structure()
    rows(FILL, ROWS)
    digest = rows(f"{PLAIN} FROM messages")

    migrate("messaging", "0001")
    there = {row[1] for row in rows(COLUMNS) if row[0] == "messages"}
    on_the_way = rows(f"{PLAIN} FROM messages")
    migrate()

    assert not there & {"is_encrypted", "encrypted_content", "encryption_metadata", "key_id"}
    assert on_the_way == digest
    assert rows(f"{PLAIN} FROM messages") == digest
    assert rows("SELECT count(*) FROM messages WHERE NOT is_encrypted") == [(ROWS,)]
    assert structure() == before


@pytest.mark.req("S74")
def test_the_way_back_is_refused_and_changes_nothing_while_a_row_is_sealed(scratch: str) -> None:
    rows(FILL, 3)
    rows(SEAL)
    before = [structure(), rows("SELECT * FROM messages ORDER BY id")]

    with pytest.raises(IrreversibleError):
        migrate("messaging", "0001")

    assert [structure(), rows("SELECT * FROM messages ORDER BY id")] == before


@pytest.mark.req("S160")
@pytest.mark.req("S72")
@pytest.mark.django_db
def test_the_catalogue_has_the_encryption_columns_in_their_types() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(COLUMNS + " AND table_name = 'messages'")
        found = {row[1]: row[2:5] for row in cursor.fetchall()}

    assert found["is_encrypted"] == ("boolean", None, "NO")
    assert found["encryption_metadata"] == ("jsonb", None, "YES")
    assert found["encryption_version"] == ("character varying", 20, "YES")
    assert found["encrypted_content"] == ("bytea", None, "YES")


@pytest.mark.req("S73")
@pytest.mark.django_db
def test_the_catalogue_has_both_named_indexes() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(INDEXES + " AND tablename = 'messages'")
        found = {name: definition for _, name, definition in cursor.fetchall()}

    assert found["messages_is_encrypted_idx"].endswith("(is_encrypted)")
    assert found["messages_conversation_encrypted_idx"].endswith("(conversation_id, is_encrypted)")
