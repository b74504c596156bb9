"""The group of those who may read the audit trail; operators put people into it."""

from django.db import migrations

GROUP = "Security officer"


def make_group(apps, schema_editor):
    """Make the group with its permission; Django itself makes permissions only after the last migration."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="messaging", model="auditevent"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type,
        codename="view_auditevent",
        defaults={"name": "Can view audit event"},
    )
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("messaging", "0007_cleanup_runs"),
    ]

    operations = [
        # Backwards the group stays: there may be people in it.
        migrations.RunPython(make_group, migrations.RunPython.noop),
    ]
