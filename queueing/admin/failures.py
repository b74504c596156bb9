"""The page of failures: the dead letters that one may see, by cause, with a way to each group."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from queueing import failures
from queueing.admin.base import ReadOnlyAdmin
from queueing.failures import Failure
from queueing.models import Job


def page(admin: ReadOnlyAdmin, request: HttpRequest) -> TemplateResponse:
    """Every cause, the most frequent first; who may look at jobs may look at this."""
    found = failures.of(Job.objects.of(request.user))
    context = {
        **admin.admin_site.each_context(request),
        "title": "Failures by cause",
        "opts": admin.opts,
        "failures": [(failure, address(failure)) for failure in found],
        "most": failures.MOST if len(found) == failures.MOST else 0,
    }
    return TemplateResponse(request, "queueing/admin/failures.html", context)


def address(failure: Failure) -> str:
    """The list of the jobs behind *failure*, from where they can be retried together."""
    chosen = {
        "state__exact": Job.State.FAILED.value,
        "queue__exact": failure.queue.name,
        "fingerprint": failure.fingerprint or "none",
    }
    return f"{reverse('admin:queueing_job_changelist')}?{urlencode(chosen)}"
