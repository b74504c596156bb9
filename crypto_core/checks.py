"""What is wrong with the settings, said by `manage.py check` before it can hurt."""

from collections.abc import Iterator, Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from crypto_core.errors import KeyringInvalid
from crypto_core.kek import LocalKeyring

DAY = 86_400  # seconds
SAFE = (  # setting, the one value that is accepted, why no other
    (
        "ENCRYPTION_ALGORITHM",
        "AES-256-GCM",
        "The sealed form has one algorithm, so none is weaker.",
    ),
    ("ENCRYPTION_AES_KEY_BITS", 256, "Every key has 256 bits."),
    ("ENCRYPTION_RSA_KEY_BITS", 4096, "A device's RSA key has 4096 bits."),
)


@register("crypto_core")
def check_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> Sequence[CheckMessage]:
    """Every complaint about the settings of encryption."""
    return [*_keyring(), *_algorithms(), *_lifetimes()]


def _keyring() -> Iterator[CheckMessage]:
    hint = "Make one with `manage.py cryptokeys new` and keep a copy: without it nothing opens."
    if not settings.ENCRYPTION_ENABLED:
        yield Warning(
            "ENCRYPTION_ENABLED is off: whoever asks for a sealed message is refused.",
            hint="Switch it on, unless this is meant for a while.",
            id="crypto_core.W001",
        )
    elif not settings.CRYPTO_KEYRING:
        yield Error("CRYPTO_KEYRING is not set.", hint=hint, id="crypto_core.E001")
    if settings.CRYPTO_KEYRING:
        try:
            LocalKeyring.parse(settings.CRYPTO_KEYRING)
        except KeyringInvalid as error:
            yield Error(f"CRYPTO_KEYRING is malformed ({error}).", hint=hint, id="crypto_core.E002")


def _algorithms() -> Iterator[CheckMessage]:
    for number, (name, safe, reason) in enumerate(SAFE, 3):
        if getattr(settings, name) != safe:
            yield Error(
                f"{name} has to be {safe}.",
                hint=f"{reason} Set it to {safe} or remove it.",
                id=f"crypto_core.E{number:03}",
            )


def _lifetimes() -> Iterator[CheckMessage]:
    if settings.CRYPTO_CACHE_SECONDS > DAY:
        yield Error(
            "ENCRYPTION_SESSION_KEY_TTL is longer than a day.",
            hint="A destroyed key can be used until it leaves every process's memory: "
            "set at most 86400 seconds; 300 is the default.",
            id="crypto_core.E006",
        )
