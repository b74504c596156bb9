"""Messages of the past."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.models import Message, User
from messaging.services.sending import Draft, send_direct
from queueing.testing import work_all

Past = Callable[..., Message]


@pytest.fixture
def past(alice: User, bob: User) -> Past:
    """Makes a message of alice's to bob that went through its life so many *days* ago."""

    def make(days: int = 0, *, deleted: int | None = None, **draft: object) -> Message:
        said = Draft(**{"content": "a quiet evening", **draft})
        sent = send_direct(sender=alice, recipient_id=bob.pk, draft=said)
        work_all()
        now = timezone.now()
        rows = Message.objects.filter(pk=sent.body["message"]["id"])
        rows.update(created_at=now - timedelta(days=days))
        if deleted is not None:
            rows.update(deleted_at=now - timedelta(days=deleted))
        return rows.get()

    return make
