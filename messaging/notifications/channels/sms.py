"""SMS by Twilio (S91): for what is urgent, unless the installation or the tenant says otherwise."""

import time

from django.conf import settings

from messaging.models import Priority, Tenant
from messaging.notifications.channel import Channel, Notice, Receipt, Uncertain
from messaging.notifications.providers import twilio
from messaging.notifications.providers.http import BUDGET
from queueing import breaker


class Sms(Channel):
    """A text to the person's number; one that may have been sent is held."""

    name = "sms"
    holds = True

    @classmethod
    def reach(cls) -> str:
        """Whoever has a number, for the priorities that the policy names."""
        if not twilio.configured():
            return "false"
        known = settings.SMS_POLICY in Tenant.Sms.values  # else `check` says so
        policy = settings.SMS_POLICY if known else Tenant.Sms.URGENT
        return (
            f"u.phone <> '' AND CASE coalesce(nullif(t.sms, ''), '{policy}')"
            f" WHEN '{Tenant.Sms.ALWAYS}' THEN true"
            f" WHEN '{Tenant.Sms.URGENT}' THEN m.priority <= {int(Priority.HIGH)}"
            " ELSE false END"
        )

    def send(self, notice: Notice) -> Receipt:
        """Hand the text to Twilio."""
        number = notice.recipient.phone
        if not number:
            return Receipt("twilio", skipped="no-number", sent=0)
        with breaker.through("twilio", final=Uncertain):
            sid = twilio.send(number, notice.text, until=time.monotonic() + BUDGET)
        return Receipt("twilio", sid)
