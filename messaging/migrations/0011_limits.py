from django.db import migrations, models

import messaging.models.accounts


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_batches"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="limits",
            field=models.JSONField(
                blank=True, default=dict, validators=[messaging.models.accounts.check_limits]
            ),
        ),
    ]
