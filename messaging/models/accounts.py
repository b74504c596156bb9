"""Tenants, the people and services in them, and their log-in sessions."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from messaging.models.base import Identified, Owned

SYSTEM = "system"  # the slug of the operators' own tenant
E164 = r"\+[1-9][0-9]{6,14}"

MOST_A_MINUTE = 10_000_000


def check_limits(value: object) -> None:
    """Refuse what says no limits: an object of whole numbers a minute."""
    names = set(settings.RATE_LIMITS)
    if not isinstance(value, dict) or value.keys() - names:
        raise ValidationError(f"A JSON object with some of {', '.join(sorted(names))}.")
    if not all(type(one) is int and 0 <= one <= MOST_A_MINUTE for one in value.values()):
        raise ValidationError(f"Each a whole number from 0 (no limit) to {MOST_A_MINUTE}.")


class Tenant(Identified):
    """A customer: nothing of one is ever visible in another."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"  # may read nothing and send nothing; data is kept

    class Encryption(models.TextChoices):
        """What a send without `encrypted` gets."""

        REQUIRED = "required"  # sealed; an explicit false is refused
        PREFERRED = "preferred"  # sealed while encryption is on
        OFF = "off"  # plain

    class Search(models.TextChoices):
        BLIND = "blind"  # keyed tokens
        OFF = "off"  # nothing is indexed

    class Preview(models.TextChoices):
        """What a notification may show."""

        NONE = "none"  # that there is a message
        SENDER = "sender"  # and from whom

    class Sms(models.TextChoices):
        """Which messages are worth an SMS; empty means as the installation has it (SMS_POLICY)."""

        URGENT = "urgent"  # those of priority HIGH and CRITICAL
        ALWAYS = "always"
        OFF = "off"

    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    encryption = models.CharField(max_length=16, choices=Encryption, default=Encryption.REQUIRED)
    search = models.CharField(max_length=16, choices=Search, default=Search.BLIND)
    preview = models.CharField(max_length=16, choices=Preview, default=Preview.NONE)
    sms = models.CharField(max_length=16, choices=Sms, blank=True, default="")
    language = models.CharField(max_length=16, default="english")  # a Snowball stemmer's name
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    # Requests a minute, where they are not those of the installation (RATE_LIMITS); 0: no limit.
    limits = models.JSONField(default=dict, blank=True, validators=[check_limits])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tenants"

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users; one without a tenant cannot be made."""

    def create_user(
        self, username: str, password: str | None = None, *, tenant: Tenant, **fields: Any
    ) -> "User":
        """A saved user of *tenant*; without a *password* one who cannot log in with any."""
        user = self.model(username=User.normalize_username(username), tenant=tenant, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """An operator across tenants, in the system tenant (for `createsuperuser`)."""
        tenant, _ = Tenant.objects.get_or_create(slug=SYSTEM, defaults={"name": "Operators"})
        fields |= {"is_staff": True, "is_superuser": True}
        return self.create_user(username, password, tenant=tenant, **fields)


class User(Owned, AbstractBaseUser, PermissionsMixin):
    """A person or a service that sends and receives messages."""

    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="users")
    username = models.CharField(
        max_length=150, unique=True, validators=[UnicodeUsernameValidator()]
    )
    display_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(  # E.164, for SMS
        max_length=16,
        blank=True,
        default="",
        validators=[RegexValidator(rf"^{E164}\Z", "A number as in +4930123456.")],
    )
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PERSON)
    issuer = models.CharField(max_length=200, null=True, blank=True)  # who vouches for the subject
    subject = models.CharField(max_length=200, null=True, blank=True)
    token_version = models.PositiveIntegerField(default=1)  # raised to void every token at once
    time_zone = models.CharField(max_length=64, default="UTC")
    locale = models.CharField(max_length=16, default="en")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "users"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="users_issuer_subject_key")
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def name(self) -> str:
        """What other people see."""
        return self.display_name or self.username


class Session(Owned):
    """One log-in: the `sid` of its tokens, and a family of refresh tokens of which one is valid."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    refresh_hash = models.BinaryField(max_length=32)  # SHA-256 of the valid refresh token's jti
    device_id = models.UUIDField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(auto_now_add=True)
    idle_expires_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # absolute: no refresh goes beyond it
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sessions"


class SocketTicket(Owned):
    """Opens one socket within seconds, for browsers, which cannot send a header with it."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tickets")
    ticket_hash = models.BinaryField(max_length=32, unique=True)  # SHA-256
    expires_at = models.DateTimeField()
    token_expires_at = models.DateTimeField()  # of the access token that asked for it

    class Meta:
        db_table = "socket_tickets"


class AttemptWindow(models.Model):
    """How often somebody has tried lately; before a log-in no tenant is known."""

    key = models.BinaryField(max_length=32, primary_key=True)  # SHA-256 of kind and subject
    started_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "attempt_windows"
