"""The product: conversations, messages and everything that happens to them."""
