"""Twilio: a form for each SMS. It has no way to say "this one again", so a doubt is not resent."""

from collections.abc import Mapping

from django.conf import settings

from messaging.notifications.channel import ChannelError, Uncertain
from messaging.notifications.providers.codes import Fate, refusal
from messaging.notifications.providers.http import Unanswered, Unsent, post

NEEDED = ("account_sid", "auth_token", "from")

# https://www.twilio.com/docs/api/errors; any other code is told by its HTTP status
CODES: Mapping[str, Fate] = {
    "20003": Fate.TRANSIENT,  # credentials: whoever runs this can put them right
    "20005": Fate.TRANSIENT,  # account suspended
    "20404": Fate.PERMANENT,
    "20429": Fate.THROTTLED,
    "20500": Fate.UNKNOWN,
    "20503": Fate.TRANSIENT,
    "21211": Fate.PERMANENT,  # no such number
    "21212": Fate.PERMANENT,  # no such sender
    "21408": Fate.PERMANENT,  # no permission for that country
    "21606": Fate.PERMANENT,  # the sender cannot send
    "21610": Fate.PERMANENT,  # they have said STOP
    "21611": Fate.THROTTLED,  # the sender's queue is full
    "21612": Fate.PERMANENT,  # not reachable from this sender
    "21614": Fate.PERMANENT,  # no mobile number
    "21617": Fate.PERMANENT,  # too long
    "30001": Fate.THROTTLED,  # queue overflow
    "63038": Fate.THROTTLED,  # the day's limit
}


def configured() -> bool:
    """Whether there is an account to send with."""
    return all(settings.TWILIO[name] for name in NEEDED)


def send(number: str, text: str, *, until: float) -> str:
    """Send *text* to *number*; the message's sid."""
    account, sender = settings.TWILIO["account_sid"], settings.TWILIO["from"]
    service = sender.startswith("MG")
    form = {"To": number, "Body": text, "MessagingServiceSid" if service else "From": sender}
    url = f"{settings.TWILIO['url']}/2010-04-01/Accounts/{account}/Messages.json"
    try:
        answer = post(url, data=form, auth=(account, settings.TWILIO["auth_token"]), until=until)
    except Unsent as error:
        raise ChannelError(code="twilio-unreachable") from error
    except Unanswered as error:
        raise Uncertain(code="twilio-unanswered") from error
    if answer.status != 201:
        raise refusal("twilio", answer, str(answer.body.get("code", "")), CODES)
    return str(answer.body.get("sid", ""))[:200]
