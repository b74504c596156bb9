"""What can go wrong with keys and sealed bodies.

CryptoError                  has a stable code; `retryable` says whether waiting can help
├── EncryptionDisabled       nothing is sealed while encryption is switched off
├── PayloadTooLarge          the text is longer than what is sealed in one piece
├── PayloadInvalid           the text has no UTF-8 form (half of a surrogate pair)
├── MetadataMissing          one of the four fields, or the version, is absent
├── MetadataInvalid          a field is malformed, unknown, or names another algorithm
├── UnsupportedVersion       sealed in a format that this program does not know
├── DecryptionFailed         wrong key, context or bytes; which of them is not said
├── KeyUnusable
│   ├── KeyNotFound          no key has this id
│   ├── KeyDestroyed         its material is gone for good; what it sealed cannot be opened
│   └── KeyMismatch          it is not the key that its id names, or belongs to something else
├── ProviderUnavailable      what wraps the tenants' keys does not answer (retryable)
│   └── KeyringInvalid       CRYPTO_KEYRING is absent or malformed
├── SeedsInvalid             JWT_SEEDS is malformed
├── DeviceKeyInvalid         not a public key that anything may be encrypted to
├── EnvelopeInvalid          not a JWE of ours, or not for this key
├── ChallengeFailed          not the answer to the challenge, or too late
├── DeviceLimit              the owner has as many devices as one may have
├── DeviceKnown              the owner has registered this key before
├── DeviceUnusable           not activated, or revoked
└── SearchQueryInvalid       nothing to search for, only exclusions, or too many words

No text here, and no argument, ever holds content, a key or a ciphertext: they end in logs and in
the ledger.
"""

from typing import ClassVar


class CryptoError(Exception):
    """Anything that crypto_core refuses; its text is its code and, at most, an id or a name."""

    code: ClassVar[str] = "crypto-error"
    retryable: ClassVar[bool] = False

    def __init__(self, about: str = "") -> None:
        super().__init__(f"{self.code}: {about}" if about else self.code)
        self.about = about


class EncryptionDisabled(CryptoError):
    code = "encryption-disabled"


class PayloadTooLarge(CryptoError):
    code = "payload-too-large"


class PayloadInvalid(CryptoError):
    code = "payload-invalid"


class MetadataMissing(CryptoError):
    code = "metadata-missing"


class MetadataInvalid(CryptoError):
    code = "metadata-invalid"


class UnsupportedVersion(CryptoError):
    code = "unsupported-version"


class DecryptionFailed(CryptoError):
    """The body cannot be opened. It takes no argument: a reason would help whoever tampers."""

    code = "decryption-failed"

    def __init__(self) -> None:
        super().__init__()


class KeyUnusable(CryptoError):
    code = "key-unusable"


class KeyNotFound(KeyUnusable):
    code = "key-not-found"


class KeyDestroyed(KeyUnusable):
    code = "key-destroyed"


class KeyMismatch(KeyUnusable):
    code = "key-mismatch"


class ProviderUnavailable(CryptoError):
    code = "provider-unavailable"
    retryable = True


class KeyringInvalid(ProviderUnavailable):
    code = "keyring-invalid"


class SeedsInvalid(CryptoError):
    code = "seeds-invalid"


class DeviceKeyInvalid(CryptoError):
    code = "device-key-invalid"


class EnvelopeInvalid(CryptoError):
    code = "envelope-invalid"


class ChallengeFailed(CryptoError):
    code = "challenge-failed"


class DeviceLimit(CryptoError):
    code = "device-limit"


class DeviceKnown(CryptoError):
    code = "device-known"


class DeviceUnusable(CryptoError):
    code = "device-unusable"


class SearchQueryInvalid(CryptoError):
    code = "search-query-invalid"
