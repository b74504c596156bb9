"""Every setting, by heading; all values come from the environment through config/env.py."""

from pathlib import Path

from kombu import Queue
from psycopg.conninfo import conninfo_to_dict

from config import env, logs, spectacular
from config.monitoring import (  # noqa: F401
    ALERT_DELIVERY_SECONDS,
    ALERT_EMAILS,
    ALERT_FAILED_JOBS,
    ALERT_FAILURE_PERCENT,
    ALERT_OTHER_SECONDS,
    ALERT_URL,
    ALERT_WINDOW_MINUTES,
    METRICS_TOKEN,
    SENTRY_DSN,
)
from config.providers import APNS, APP_NAME, FCM, PROVIDER_CA, PUSH_STALE_DAYS, SMS_POLICY, TWILIO  # noqa: F401
from queueing.queues import QUEUES

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# --- Core

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.secret("SECRET_KEY", "unset")  # `check` refuses to go on with this one
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
PRIVATE_NETWORK = env.flag("PRIVATE_NETWORK")  # servers are reached where nobody else can read
HTTPS = PUBLIC_URL.startswith("https://")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bytes: the longest body that is read
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", HTTPS)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_TLS_PROXY") else None
)
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # scraped where no proxy is between
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0

# --- Apps

INSTALLED_APPS = [
    "messaging",  # before the admin: its templates dress it
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "config",
    "crypto_core",
    "queueing",
]
MIDDLEWARE = [
    "messaging.api.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
_contexts = [
    "template.context_processors.request",
    "contrib.auth.context_processors.auth",
    "contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [f"django.{name}" for name in _contexts]},
    }
]
AUTH_USER_MODEL = "messaging.User"
_validators = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in _validators
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = True  # no collectstatic step between a clone and the admin
WHITENOISE_AUTOREFRESH = DEBUG
FLOWER_URL = env.text("FLOWER_URL", "/ops/flower/")  # where the admin's links to Flower go

# --- Database

_database = conninfo_to_dict(env.secret("DATABASE_URL", "postgresql://app@127.0.0.1:5432/app"))
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.pop("dbname", "app"),
        "USER": _database.pop("user", ""),
        "PASSWORD": _database.pop("password", ""),
        "HOST": _database.pop("host", ""),
        "PORT": _database.pop("port", ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Together these halve PostgreSQL's share of the work for a message.
            "server_side_binding": True,
            "prepare_threshold": 2,
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "application_name": env.text("PROCESS_NAME", "waxwing"),
            "options": " ".join(
                f"-c {name}={value}"
                for name, value in {
                    "statement_timeout": env.text("DATABASE_STATEMENT_TIMEOUT", "10s"),
                    "lock_timeout": "3s",
                    "idle_in_transaction_session_timeout": "15s",
                    "client_connection_check_interval": "5s",
                }.items()
            ),
            **_database,  # sslmode and the like
        },
    }
}

# --- Redis: hints only, may be flushed at any moment

REDIS_URL = env.redis_url("localhost")
REDIS_QUEUE_URL = f"{REDIS_URL.rpartition('/')[0]}/{env.integer('REDIS_QUEUE_DB', 1)}"
# Seconds, from milliseconds: what is published is a hint and may not hold up its caller.
REDIS_CONNECTION_TIMEOUT = env.integer("REDIS_CONNECTION_TIMEOUT", 500, least=1) / 1000
# Django's cache: for what is built on Waxwing, which itself keeps nothing here.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "TIMEOUT": env.integer("CACHE_DEFAULT_TTL", env.integer("REDIS_TTL_DEFAULT", 300)),
        "KEY_PREFIX": env.text("CACHE_KEY_PREFIX", "waxwing"),
    }
}

# --- Channels

CHANNEL_KEY = env.secret("CHANNEL_KEY")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "messaging.realtime.layer.EventLayer",
        "CONFIG": {
            # socket_timeout: redis-py's 5 s would end idle sockets
            "hosts": [{"address": REDIS_URL, "socket_timeout": 30}],
            "prefix": env.text("CHANNEL_PREFIX", "waxwing"),
            "symmetric_encryption_keys": [CHANNEL_KEY] if CHANNEL_KEY else [],
        },
    }
}
WS_PATH = env.text("WS_PATH", "/ws/v1")
WS_PORT = env.integer("WS_PORT", 8001, least=1)
WS_CORS_ORIGINS = env.words("WS_CORS_ORIGINS")
WS_PING_INTERVAL = env.integer("WS_PING_INTERVAL", 20, least=1)  # seconds
WS_PING_TIMEOUT = env.integer("WS_PING_TIMEOUT", 20, least=1)  # seconds

# --- Queueing

QUEUEING_CONCURRENCY = {
    queue.name: env.integer(queue.variable, queue.concurrency, least=1) for queue in QUEUES
}
QUEUEING_OPERATORS = "system"  # the tenant, by its slug, whose staff sees the jobs of all tenants
QUEUEING_FAILED_DAYS = env.integer("QUEUEING_FAILED_DAYS", 7, least=3)  # S12
QUEUEING_COMPLETED_HOURS = env.integer("QUEUEING_COMPLETED_HOURS", 24, least=1)

CELERY_BROKER_URL = REDIS_QUEUE_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False  # a lost wake-up costs a second, a doubled one nothing
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = [Queue(queue.name) for queue in QUEUES]
CELERY_TASK_PUBLISH_RETRY_POLICY = dict.fromkeys(  # none: a lost wake-up costs a second
    ("max_retries", "interval_start", "interval_step", "interval_max"), 0
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # KiB
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": env.text("BROKER_PREFIX", "waxwing:"),
    "socket_timeout": 10 if env.flag("CELERY_WORKER") else 0.5,  # a worker's BRPOP blocks for 1 s
    "socket_connect_timeout": REDIS_CONNECTION_TIMEOUT,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.05,
}
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
# Else Celery closes the connection around every task (celery#10554).
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Crypto

ENCRYPTION_ENABLED = env.flag("ENCRYPTION_ENABLED", True)
CRYPTO_KEYRING = env.secret("CRYPTO_KEYRING")  # JSON {"id": "base64 of 32 bytes"}, last one wraps
# What can be chosen is when, not how: `check` accepts one safe value for each of these (S57, S58).
ENCRYPTION_ALGORITHM = env.text("ENCRYPTION_ALGORITHM", "AES-256-GCM")
ENCRYPTION_AES_KEY_BITS = env.integer("ENCRYPTION_AES_KEY_BITS", 256)
ENCRYPTION_RSA_KEY_BITS = env.integer("ENCRYPTION_RSA_KEY_BITS", 4096)
CRYPTO_MAX_AGE = (  # seconds for which a key seals; what it sealed opens for as long as it exists
    {
        "content": env.integer("ENCRYPTION_ROTATION_INTERVAL", 7 * 86_400, least=60),
        "ingress": env.integer("CRYPTO_INGRESS_HOURS", 24, least=1) * 3600,
        "wrap": env.integer("CRYPTO_TENANT_DAYS", 365, least=1) * 86_400,
    }
    if env.flag("ENCRYPTION_ROTATION_ENABLED", True)
    else {}
)
# Messages after which a session key is replaced within the hour, whatever its age.
CRYPTO_SESSION_MESSAGES = env.integer("CRYPTO_SESSION_MESSAGES", 100_000, least=1)
# Seconds that an unwrapped key stays in memory: the longest that a destroyed one can still be used.
CACHE_L1_TTL = env.integer("CACHE_L1_TTL", 3600)  # the upper bound of all that a process caches
CRYPTO_CACHE_SECONDS = min(env.integer("ENCRYPTION_SESSION_KEY_TTL", 300), CACHE_L1_TTL)
CRYPTO_TENANT_CACHE_SECONDS = min(3600, CACHE_L1_TTL)
CACHE_L1_SIZE = env.integer("CACHE_L1_MAX_SIZE", 4096) if env.flag("CACHE_L1_ENABLED", True) else 0
CRYPTO_CACHE_SIZE = CACHE_L1_SIZE

# --- Messaging

JWT_SEEDS = env.secret("JWT_SEEDS")  # base64 Ed25519 seeds, comma-separated; the first one signs
JWT_ISSUER = env.text("JWT_ISSUER", "waxwing")
JWT_ACCESS_SECONDS = env.integer("JWT_ACCESS_SECONDS", 15 * 60, least=60)
JWT_REFRESH_SECONDS = env.integer("JWT_REFRESH_SECONDS", 7 * 24 * 3600, least=600)  # idle
JWT_SESSION_SECONDS = env.integer("JWT_SESSION_SECONDS", 30 * 24 * 3600, least=3600)  # at most
EMAIL_HOST = env.text("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10  # seconds, below the notification queue's 20
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "waxwing@localhost")

# --- REST

# A minute, for each person and for a tenant as a whole; 0 is without limit. Tenant.limits wins.
RATE_LIMITS = {
    "sends": env.integer("RATE_LIMIT_SENDS", 600),
    "calls": env.integer("RATE_LIMIT_CALLS", 6000),
    "tenantSends": env.integer("RATE_LIMIT_TENANT_SENDS", 60_000),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["messaging.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["messaging.api.throttling.Quota"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["messaging.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "messaging.api.errors.problem",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS says nothing that the schema does not
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is a parameter like any other
}
SPECTACULAR_SETTINGS = spectacular.SETTINGS

# --- Logs

LOGGING = logs.from_environment()
