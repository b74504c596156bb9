"""Which strategies there are: every file beside this one that declares one."""

from importlib import import_module
from pkgutil import iter_modules

from messaging import retention as package
from messaging.retention.strategy import Strategy

OURS = {"cleanup", "registry", "strategy"}


def registered() -> dict[str, type[Strategy]]:
    """Every strategy, by name."""
    for module in iter_modules(package.__path__):
        if module.name not in OURS:
            import_module(f"{package.__name__}.{module.name}")
    return Strategy.registry
