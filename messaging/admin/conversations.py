"""Conversations and their members, without titles."""

from typing import Any

from django.contrib import admin

from messaging.admin.base import ReadOnlyAdmin, TabularInline
from messaging.models import Conversation, Participant


class ParticipantInline(TabularInline):
    """The stays of people in the conversation."""

    model = Participant
    extra = 0
    can_delete = False
    fields = ("user", "role", "joined_seq", "left_seq", "delivered_seq", "read_seq")
    readonly_fields = fields

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationPage(ReadOnlyAdmin):
    """Where people write, and how much."""

    list_display = ("id", "tenant", "kind", "protection", "participant_count", "head_seq", "hold")
    list_filter = ("kind", "protection", "hold")
    list_select_related = ("tenant",)
    search_fields = ("=id", "participants__user__username")
    inlines = (ParticipantInline,)
    exclude = ("sealed_title", "title_key_id", "direct_key")
    ordering = ("-id",)
