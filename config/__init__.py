"""Wiring: settings, processes and routes. No logic, and nobody imports it."""
