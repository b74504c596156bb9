"""A log line says what it is about by ids, and holds nothing that anybody wrote."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils.log import CallbackFilter
from rest_framework.test import APIClient

from config.logs import Lines, Objects, without_long_extras
from messaging.models import User
from messaging.realtime import commands
from messaging.realtime.consumer import MessagingConsumer
from messaging.realtime.frames import Subscribe
from messaging.realtime.threads import call as in_thread
from messaging.services import accounts, searching
from queueing import context
from queueing.executor import drain
from queueing.jobs import Batch, Claimed
from queueing.queues import DELIVERY, NOTIFICATION
from tests.queueing import kinds
from tests.queueing.kinds import PROBE, TENANT, Script

pytestmark = pytest.mark.req("S128")

CANARY = "quetzal in the reading room"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
Said = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def script() -> Iterator[Script]:
    kinds.script.forget()
    yield kinds.script
    kinds.script.forget()


@pytest.fixture
def said() -> Iterator[Said]:
    """The objects that were written, after a look that the canary is in none of them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Objects())
    handler.addFilter(CallbackFilter(without_long_extras))
    logging.getLogger().addHandler(handler)

    def read() -> list[dict[str, Any]]:
        assert CANARY not in stream.getvalue()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    logging.getLogger().removeHandler(handler)


def break_down(*_: object, **__: object) -> None:
    raise ValueError(CANARY)


def line_of(said: Said, logger: str) -> dict[str, Any]:
    return next(line for line in said() if line["logger"] == logger)


def test_a_request_that_fails_is_told_by_its_ids(
    said: Said, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "search", break_down)
    browser = APIClient(raise_request_exception=False)
    bearer = f"Bearer {accounts.open_session(user=alice).access}"

    answer = browser.get(
        "/api/v1/messages/search",
        {"q": CANARY},
        HTTP_AUTHORIZATION=bearer,
        HTTP_TRACEPARENT=TRACEPARENT,
        HTTP_X_REQUEST_ID="mine-1",
    )

    assert answer.status_code == 500
    ids = {"request_id": "mine-1", "trace_id": TRACE, "tenant": str(alice.tenant_id)}
    for logger in ("messaging.api.errors", "django.request"):
        assert line_of(said, logger).items() >= ids.items(), logger
    assert "ValueError" in line_of(said, "messaging.api.errors")["event"]


@pytest.mark.django_db
def test_a_request_names_what_its_address_names(said: Said) -> None:
    message = uuid4()

    APIClient().get(f"/api/v1/messages/{message}")

    assert line_of(said, "django.request")["message_id"] == str(message)
    assert context.current() == {}


@pytest.mark.django_db
def test_a_job_that_fails_is_told_by_its_ids(said: Said, script: Script) -> None:
    args = {"messageId": str(uuid4()), "conversationId": str(uuid4())}
    job = PROBE.enqueue(tenant_id=TENANT, args=args, traceparent=TRACEPARENT)

    def fail(batch: Batch) -> None:
        logging.getLogger("a.stage").info("working")
        break_down()

    script.run = fail
    drain(DELIVERY)

    wanted = {
        "job_id": str(job),
        "trace_id": TRACE,
        "message_id": args["messageId"],
        "conversation_id": args["conversationId"],
        "tenant": str(TENANT),
        "queue": "message-delivery",
        "attempt": 1,
    }
    for logger in ("a.stage", "queueing.turns"):
        assert line_of(said, logger).items() >= wanted.items(), logger
    assert "put back: ValueError at " in line_of(said, "queueing.turns")["event"]


@pytest.mark.django_db(transaction=True)
def test_an_outside_call_in_its_thread_is_told_by_its_ids(said: Said, script: Script) -> None:
    ids = [kinds.call.enqueue(tenant_id=TENANT, args={}) for _ in range(2)]

    def fail(job: Claimed) -> None:
        logging.getLogger("a.call").info("calling")
        break_down()

    script.call = fail
    drain(NOTIFICATION, threads=2)

    told = [line for line in said() if line["logger"] in ("a.call", "queueing.turns")]
    assert {line["job_id"] for line in told} == {str(job) for job in ids}
    assert len(told) == 4


@pytest.mark.asyncio
async def test_a_socket_that_errs_is_told_by_its_ids(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, place = MessagingConsumer(), uuid4()
    written: list[object] = []
    consumer.hub = None  # type: ignore[assignment]
    outbox = SimpleNamespace(write=written.append)
    consumer.connection = SimpleNamespace(outbox=outbox)  # type: ignore[assignment]

    async def fail(*_: object) -> None:
        await in_thread(break_down)

    monkeypatch.setitem(commands.COMMANDS, Subscribe, fail)

    with context.about(request_id="socket-1", tenant="t"):
        await consumer._hear(Subscribe(id="a", conversation_id=place, since=None))

    line = line_of(said, "messaging.realtime.refusals")
    ids = {"request_id": "socket-1", "conversation_id": str(place), "tenant": "t"}
    assert line.items() >= ids.items() and len(written) == 1


@pytest.mark.asyncio
async def test_what_a_socket_knows_goes_along_into_its_threads() -> None:
    with context.about(request_id="socket-2"):
        assert await in_thread(context.current) == {"request_id": "socket-2"}


def test_long_extras_are_dropped_and_short_ones_kept(said: Said) -> None:
    log = logging.getLogger("a.library")

    log.warning("said", extra={"text": f"{CANARY} " * 20, "code": "x" * 200, "n": 7, "o": object()})

    line = line_of(said, "a.library")
    assert (line["code"], line["n"]) == ("x" * 200, 7)
    assert not {"text", "o"} & line.keys()


@pytest.mark.parametrize("form", [Lines, Objects])
def test_of_an_exception_only_classes_and_places_are_written(form: type[logging.Formatter]) -> None:
    try:
        try:
            break_down()
        except ValueError as error:
            raise KeyError(CANARY) from error
    except KeyError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, __file__, 1, "broken", (), sys.exc_info()
        )

    text = form().format(record)

    assert CANARY not in text
    assert "KeyError from ValueError" in text


def test_a_traceparent_that_is_none_has_no_trace() -> None:
    assert context.trace_of(TRACEPARENT) == TRACE
    for wrong in ("", TRACE, TRACEPARENT.upper(), TRACEPARENT + "\n", f"{TRACEPARENT}-{CANARY}"):
        assert context.trace_of(wrong) == ""


def test_only_known_fields_are_context() -> None:
    with pytest.raises(ValueError, match="content"), context.about(content=CANARY):
        pass
