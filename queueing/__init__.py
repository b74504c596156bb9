"""Durable jobs: the ledger in PostgreSQL is the truth, Celery wakes. Knows no messages."""
