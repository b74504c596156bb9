"""Tests of the queueing app."""
