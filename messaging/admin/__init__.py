"""The operators' pages of the product, a file each. No page shows a content."""

from messaging.admin import accounts, conversations, messages, records

__all__ = ["accounts", "conversations", "messages", "records"]
