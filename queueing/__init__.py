"""Durable jobs on Celery: the ledger in PostgreSQL is the truth, Celery carries wake-ups. Knows no messages."""
