"""Sending to many."""
