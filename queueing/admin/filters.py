"""Filters of the list of jobs; none of them reads the whole ledger."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from queueing.models import Job

MOST_CHOICES = 50
Choices = list[tuple[str, str]]
SINCE = (
    ("10m", "10 minutes", timedelta(minutes=10)),
    ("1h", "hour", timedelta(hours=1)),
    ("1d", "day", timedelta(days=1)),
    ("7d", "7 days", timedelta(days=7)),
)


class Created(SimpleListFilter):
    """Jobs of the last while: a range of the primary key, since ids begin with their time."""

    title = "created within the last"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(key, label) for key, label, _ in SINCE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for key, _, span in SINCE:
            if key == self.value():
                since = timezone.now() - span
                return queryset.filter(id__gte=UUID(int=int(since.timestamp() * 1000) << 80))
        return queryset


class OfDeadLetters(SimpleListFilter):
    """The values that dead letters have in one column."""

    column: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        dead = Job.objects.of(request.user).dead().order_by(self.column)
        values: Iterable[object] = dead.values_list(self.column, flat=True).distinct()[
            :MOST_CHOICES
        ]
        chosen = [self.value()] if self.value() else []
        return [(text, text) for text in dict.fromkeys([*map(str, values), *map(str, chosen)])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class ErrorClass(OfDeadLetters):
    """By what went wrong."""

    title = "error"
    parameter_name = column = "error_class"


class Fingerprint(SimpleListFilter):
    """By one cause, as the page of failures links to it; offered only where it is chosen."""

    title = "cause"
    parameter_name = "fingerprint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(chosen, chosen)] if (chosen := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if chosen := self.value():
            code = "" if chosen == "none" else chosen.replace("\0", "")
            return queryset.filter(error_fingerprint=code, state=Job.State.FAILED)
        return queryset


class Kind(OfDeadLetters):
    """By the kind of job."""

    title = "kind"
    parameter_name = column = "kind"


class TenantOfJob(OfDeadLetters):
    """By whose job it is."""

    title = "tenant"
    parameter_name = column = "tenant_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return queryset.filter(tenant_id=UUID(self.value())) if self.value() else queryset
        except ValueError:
            return queryset.none()
