"""The permission to give a conversation a new key, and those who have it from the beginning."""

from django.db import migrations

GROUP = "Security officer"
NAMES = {
    "view_conversation": "Can view conversation",
    "rotate_key": "Can give a conversation a new key",
}


def allow_officers(apps, schema_editor):
    """Let the officers find a conversation and rotate its key; Django makes permissions only later."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="messaging", model="conversation"
    )
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    for codename, name in NAMES.items():
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0008_security_officers"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="conversation",
            options={"permissions": [("rotate_key", "Can give a conversation a new key")]},
        ),
        # Backwards the group keeps it: there may be people in it.
        migrations.RunPython(allow_officers, migrations.RunPython.noop),
    ]
