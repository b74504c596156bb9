"""The operators' pages of the product, a file each. No page shows a content."""

from messaging.admin import (
    accounts,
    batches,
    cleanup,
    conversations,
    messages,
    records,
    templates,
)

__all__ = [
    "accounts",
    "batches",
    "cleanup",
    "conversations",
    "messages",
    "records",
    "templates",
]
