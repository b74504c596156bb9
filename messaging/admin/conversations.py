"""Conversations and their members, without titles; an operator may give one a new key."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from messaging.admin.base import ReadOnlyAdmin, ReadOnlyInline
from messaging.errors import EncryptionUnavailable
from messaging.models import Conversation, Participant, User
from messaging.services import session_keys


class RotateForm(forms.Form):
    """Why: what the audit trail will say."""

    reason = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"size": 60}))


class ParticipantInline(ReadOnlyInline):
    """The stays of people in the conversation."""

    model = Participant
    fields = ("user", "role", "joined_seq", "left_seq", "delivered_seq", "read_seq")
    readonly_fields = fields


@admin.register(Conversation)
class ConversationPage(ReadOnlyAdmin):
    """Where people write, and how much."""

    change_form_template = "admin/messaging/conversation.html"
    list_display = ("id", "tenant", "kind", "protection", "participant_count", "head_seq", "hold")
    list_filter = ("kind", "protection", "hold")
    list_select_related = ("tenant",)
    search_fields = ("=id", "participants__user__username")
    inlines = (ParticipantInline,)
    exclude = ("sealed_title", "title_key_id", "direct_key")
    ordering = ("-id",)

    def get_urls(self) -> list[Any]:
        """Besides the usual ones, the page that gives a conversation a new key."""
        view = self.admin_site.admin_view(self.rotate_key)
        own = path("<uuid:pk>/rotate-key/", view, name="messaging_conversation_rotate_key")
        return [own, *super().get_urls()]

    def may_rotate(self, request: HttpRequest) -> bool:
        """Whether this operator may give conversations new keys."""
        return request.user.has_perm("messaging.rotate_key")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page, with the way to a new key for who may."""
        extra = (extra_context or {}) | {"may_rotate": self.may_rotate(request)}
        return super().change_view(request, object_id, form_url, extra)

    def rotate_key(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for the reason, and have what comes next sealed under a new key."""
        if not self.may_rotate(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=pk).first()
        if row is None:
            raise Http404
        form = RotateForm(request.POST or None)
        if form.is_valid() and self.rotated(request, row, form.cleaned_data["reason"]):
            return HttpResponseRedirect(reverse("admin:messaging_conversation_change", args=(pk,)))
        context = self.admin_site.each_context(request) | {
            "title": "Give the conversation a new key",
            "opts": self.model._meta,
            "form": form,
            "row": row,
        }
        return TemplateResponse(request, "admin/messaging/conversation_rotate_key.html", context)

    def rotated(self, request: HttpRequest, row: Conversation, reason: str) -> bool:
        """Whether it was done; the operator is told."""
        assert isinstance(request.user, User)  # the admin lets in nobody else
        try:
            kid = session_keys.rotate_for_operator(row, actor_id=request.user.pk, reason=reason)
        except EncryptionUnavailable as error:
            messages.error(request, str(error))
            return False
        messages.success(request, f"What comes next is sealed under {kid}.")
        return True
