"""The permission to give a conversation a new key; operators give it to whom they choose."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0008_security_officers"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="conversation",
            options={"permissions": [("rotate_key", "Can give a conversation a new key")]},
        ),
    ]
