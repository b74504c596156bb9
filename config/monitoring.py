"""Who may scrape, who is told of alerts, and from when on something is one."""

from config import env

METRICS_TOKEN = env.secret("METRICS_TOKEN")  # unset: /metrics answers this machine only

SENTRY_DSN = env.secret("SENTRY_DSN")  # unset: nothing of Sentry is even imported

ALERT_EMAILS = env.words("ALERT_EMAILS")
ALERT_URL = env.secret("ALERT_URL")  # chat rooms put a token into it
ALERT_WINDOW_MINUTES = env.integer("ALERT_WINDOW_MINUTES", 15, least=1)  # for the next two
ALERT_FAILED_JOBS = env.integer("ALERT_FAILED_JOBS", 1, least=1)
ALERT_FAILURE_PERCENT = env.integer("ALERT_FAILURE_PERCENT", 5, least=1)
ALERT_DELIVERY_SECONDS = env.integer("ALERT_DELIVERY_SECONDS", 30, least=1)  # the oldest due job
ALERT_OTHER_SECONDS = env.integer("ALERT_OTHER_SECONDS", 300, least=1)
