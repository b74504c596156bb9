"""What was wrong with a queue, from when to when, and who has been told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from queueing.ids import uuid7


class AlertIncident(models.Model):
    """One time that a rule held for a queue; open until it has not held for a while."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(max_length=32)
    queue = models.CharField(max_length=32)
    opened_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())  # when the rule was last found to hold
    resolved_at = models.DateTimeField(null=True)
    facts = models.JSONField()  # numbers, as they were last
    told = ArrayField(models.CharField(max_length=32), db_default=[])  # as in "opened:email"
    telling_until = models.DateTimeField(null=True)  # until then somebody is at it

    class Meta:
        db_table = "alert_incidents"
        verbose_name, verbose_name_plural = "alert", "alerts"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "queue"],
                condition=Q(resolved_at__isnull=True),
                name="alert_incidents_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.queue}"
