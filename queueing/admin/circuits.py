"""The circuits of the providers as they stand; closing one now, with a reason."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from queueing import control
from queueing.admin.base import ReadOnlyAdmin, Reason
from queueing.models import CircuitBreaker, sees_all

PERMISSION = "queueing.close_circuit"
LIST = "admin:queueing_circuitbreaker_changelist"
TEXT = "The provider is called again at once by whoever is due, without a probe first."


@admin.register(CircuitBreaker)
class CircuitPage(ReadOnlyAdmin):
    """One row for each provider that has ever failed. They serve all tenants: operators only."""

    list_display = ("provider", "state", "failures", "calls", "opened_at", "retry_at", "close")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and sees_all(request.user)

    @admin.display(description="")
    def close(self, circuit: CircuitBreaker) -> str:
        """The way to the page that closes it."""
        if circuit.state == CircuitBreaker.State.CLOSED:
            return ""
        url = reverse("admin:queueing_circuit_close", args=(circuit.provider,))
        return format_html('<a href="{}">Close now…</a>', url)

    def act(self, request: HttpRequest, provider: str) -> HttpResponse:
        """The page that closes the circuit of *provider*."""
        allowed = request.user.has_perm(PERMISSION)
        if not (allowed and self.has_view_permission(request)):
            raise PermissionDenied
        if not CircuitBreaker.objects.filter(provider=provider).exists():
            raise Http404
        form = Reason(request.POST or None)
        if not form.is_valid():
            title = f"Close the circuit of {provider}?"
            return self.ask(request, form, title=title, text=TEXT)
        reason = form.cleaned_data["reason"]
        was = control.close_circuit(provider, actor_id=request.user.pk, reason=reason)
        done = "is called again" if was else "was called already"
        messages.success(request, f"{provider} {done}.")
        return HttpResponseRedirect(reverse(LIST))

    def get_urls(self) -> list[URLPattern]:
        """Besides the usual ones, a page to close each circuit."""
        view = self.admin_site.admin_view(self.act)
        page = path("<str:provider>/close/", view, name="queueing_circuit_close")
        return [page, *super().get_urls()]
