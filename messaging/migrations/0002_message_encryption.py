"""The encryption of messages: four columns, two named indexes, and "sealed or plain, never both" (S72-S74)."""

import django.db.models.fields.json
import messaging.models.base
from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError


def refuse_while_sealed(apps, schema_editor):
    """Going back drops ciphertexts, which nothing could bring back."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM messages WHERE is_encrypted LIMIT 1")
        if cursor.fetchone():
            raise IrreversibleError("messages holds sealed rows; going back would destroy them")


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="encrypted_content",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="encryption_metadata",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="encryption_version",
            field=models.CharField(max_length=20, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="is_encrypted",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="message",
            name="sealed_metadata",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="key_id",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.fields.json.KeyTextTransform(
                    "keyId", "encryption_metadata"
                ),
                output_field=models.TextField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["is_encrypted"], name="messages_is_encrypted_idx"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=messaging.models.base.NamedIndex(
                fields=["conversation", "is_encrypted"], name="messages_conversation_encrypted_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["key_id"], name="messages_key_id_idx"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("content", ""),
                        ("encrypted_content__isnull", False),
                        ("encryption_metadata__has_keys", ["algorithm", "iv", "authTag", "keyId"]),
                        ("encryption_version__isnull", False),
                        ("is_encrypted", True),
                    ),
                    models.Q(
                        ("encrypted_content__isnull", True),
                        ("encryption_metadata__isnull", True),
                        ("encryption_version__isnull", True),
                        ("is_encrypted", False),
                    ),
                    _connector="OR",
                ),
                name="messages_sealed_or_plain",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sealed_metadata", None),
                    models.Q(("is_encrypted", True), ("metadata__isnull", True)),
                    _connector="OR",
                ),
                name="messages_metadata_as_content",
            ),
        ),
        # Stands last, so that it runs first on the way back.
        migrations.RunPython(migrations.RunPython.noop, refuse_while_sealed),
    ]
