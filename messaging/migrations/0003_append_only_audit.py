"""The audit trail refuses DELETE and every UPDATE but its sealing (S132, M64)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seq IS NULL AND NEW.seq IS NOT NULL AND NEW.link IS NOT NULL
       AND to_jsonb(NEW) - '{seq,link}'::text[] = to_jsonb(OLD) - '{seq,link}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_append_only();
"""
BACKWARD = """
DROP TRIGGER audit_events_append_only ON audit_events;
DROP FUNCTION audit_events_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_message_encryption")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
