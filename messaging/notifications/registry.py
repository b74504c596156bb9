"""Which channels there are: every file in channels/."""

from importlib import import_module
from pkgutil import iter_modules

from messaging.notifications import channels as package
from messaging.notifications.channel import Channel


def registered() -> dict[str, type[Channel]]:
    """Every channel in channels/, by name."""
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return Channel.registry
