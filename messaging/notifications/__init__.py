"""Telling people that there is something for them, without saying what."""
