"""Texts that are kept for a while and belong to no message yet: a batch's template, its variables.

Sealed as messages are when they arrive: under their tenant's ingress key, each bound to its owner and
its own row, so that one opens nowhere else.
"""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from crypto_core.errors import CryptoError, PayloadInvalid, PayloadTooLarge
from crypto_core.service import Context, Sealed, encryption
from messaging.errors import EncryptionUnavailable, Invalid

__all__ = ["Sealed", "open_texts", "seal_texts"]

PART = "template"
Part = TypeVar("Part", Sealed, str)


def seal_texts(tenant_id: UUID, owner_id: UUID, texts: Mapping[UUID, str]) -> dict[UUID, Sealed]:
    """Each of *texts*, given by the id of its row, sealed for *owner_id*.

    Raises Invalid for a text that cannot be sealed, and EncryptionUnavailable.
    """
    items = [(text, Context(tenant_id, owner_id, row, PART)) for row, text in texts.items()]
    try:
        found = [usable(one) for one in encryption().seal_ingress_many(items)]
    except (PayloadInvalid, PayloadTooLarge) as error:
        raise Invalid("Not a text that can be sealed.", pointer="/content") from error
    except CryptoError as error:
        raise EncryptionUnavailable from error
    return dict(zip(texts, found, strict=True))


def open_texts(tenant_id: UUID, owner_id: UUID, texts: Mapping[UUID, Sealed]) -> dict[UUID, str]:
    """The texts again. Raises EncryptionUnavailable where one cannot be opened."""
    items = [(sealed, Context(tenant_id, owner_id, row, PART)) for row, sealed in texts.items()]
    try:
        found = [usable(one) for one in encryption().open_many(items)]
    except CryptoError as error:
        raise EncryptionUnavailable(error.code) from error
    return dict(zip(texts, found, strict=True))


def usable(part: Part | CryptoError) -> Part:
    """*part*, or the error that it is, raised."""
    if isinstance(part, CryptoError):
        raise part
    return part
