"""The search index: blind tokens, apart from the messages so that these stay small to rewrite."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models


class MessageSearch(models.Model):
    """The tokens of one message under its conversation's index key; no word can be read."""

    message_id = models.UUIDField(primary_key=True)
    tenant_id = models.UUIDField()
    conversation_id = models.UUIDField(db_index=True)
    tokens = SearchVectorField()
    language = models.CharField(max_length=16)
    key_id = models.CharField(max_length=43)

    class Meta:
        db_table = "message_search"
        indexes = [GinIndex(fields=["tokens"], name="message_search_tokens_idx")]
