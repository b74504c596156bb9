"""Journeys share one running system."""

from tests.system.fixtures import system

__all__ = ["system"]
