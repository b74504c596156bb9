"""People who write and listen while things break: what they were promised, what they heard."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException

from tests.system.people import CROWD
from tests.system.rest import Api
from tests.system.sockets import Listener
from tests.system.system import System

SENDERS = 6  # at a time
IN_FLIGHT = 80  # messages: senders wait for listeners, so that what breaks is always in the middle
IMPATIENT = 0.1  # of the letters
PATIENCE = 40.0  # seconds that a sender goes on trying


@dataclass(frozen=True, slots=True)
class Room:
    """A conversation and who is in it."""

    id: str
    members: tuple[str, ...]
    sealed: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to be sent, under a key that stays the same however often it is tried."""

    key: str
    room: Room
    sender: str
    impatient: bool  # does not wait for the first answer


class Crowd:
    """Ten people in four conversations of two and four of five, each with a socket."""

    def __init__(self, system: System, chance: random.Random, number: int, word: str) -> None:
        self.system, self.word = system, word
        self.apis = {name: system.api(name) for name in CROWD}
        self.rooms = list(self._rooms())
        self.letters = [self._letter(chance, n) for n in range(number)]
        self.listeners = {name: self._listener(name) for name in CROWD}
        self.acknowledged: dict[str, str] = {}  # message ids by key
        self.failures = 0  # tries that got no acknowledgement
        self.hurry = False  # do not wait for listeners
        self._left = iter(self.letters)
        self._lock = threading.Lock()

    def send_all(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """Begin to send; the futures end when everything is acknowledged."""
        return [pool.submit(self._sender) for _ in range(SENDERS)]

    def progress(self) -> float:
        """How much of what everybody is to hear has been heard."""
        heard = sum(len(list(one.events())) for one in self.listeners.values())
        return heard / sum(len(letter.room.members) for letter in self.letters)

    def recipients(self) -> dict[str, set[str]]:
        """Whom each acknowledged message has to reach, by ids."""
        ids = self.system.people
        return {
            self.acknowledged[letter.key]: {
                ids[name] for name in letter.room.members if name != letter.sender
            }
            for letter in self.letters
        }

    def _rooms(self) -> Iterator[Room]:
        for number in range(0, 8, 2):
            pair = (CROWD[number], CROWD[number + 1])
            body = {"recipientId": self.system.people[pair[1]], "content": "Hello."}
            reply = self.apis[pair[0]].post("/messages/direct", body)
            yield Room(reply.json["message"]["conversationId"], pair, number % 4 == 0)
        for number, five in enumerate((CROWD[:5], CROWD[5:], CROWD[::2], CROWD[1::2])):
            others = [self.system.people[name] for name in five[1:]]
            reply = self.apis[five[0]].post("/conversations", {"participantIds": others})
            yield Room(reply.json["id"], tuple(five), number % 2 == 0)

    def _letter(self, chance: random.Random, number: int) -> Letter:
        room = chance.choice(self.rooms)
        sender, impatient = chance.choice(room.members), chance.random() < IMPATIENT
        return Letter(f"letter-{number}", room, sender, impatient)

    def _listener(self, name: str) -> Listener:
        rooms = {room.id for room in self.rooms if name in room.members}
        found = self.apis[name].get("/conversations", limit=100).json["data"]
        heads = {each["id"]: each["headSeq"] for each in found if each["id"] in rooms}
        return self.system.listen(name, heads)

    def _sender(self) -> None:
        apis = {name: self.system.api(name) for name in CROWD}
        while letter := self._next():
            deadline = time.monotonic() + PATIENCE
            waits = not letter.impatient
            while not (message := self._try(apis[letter.sender], letter, waits)):
                assert time.monotonic() < deadline, f"{letter} was never acknowledged"
                self.failures += waits
                time.sleep(0.1 if waits else 0)
                waits = True
            self.acknowledged[letter.key] = message

    def _next(self) -> Letter | None:
        while not self.hurry and self._in_flight() > IN_FLIGHT:
            time.sleep(0.02)
        with self._lock:
            return next(self._left, None)

    def _in_flight(self) -> float:
        return len(self.acknowledged) - self.progress() * len(self.letters)

    def _try(self, api: Api, letter: Letter, waits: bool) -> str | None:
        """The id of the message, if it was acknowledged."""
        content = f"{letter.key}: the {self.word} is well."
        body = {"conversationId": letter.room.id, "content": content}
        request = ("/messages/group", body | {"encrypted": letter.room.sealed})
        try:
            if not waits:
                return api.leave(*request, Idempotency_Key=letter.key)
            reply = api.post(*request, Idempotency_Key=letter.key)
        except (OSError, HTTPException):
            return None
        assert reply.status in (202, 409) or reply.status >= 500, reply
        return str(reply.json["message"]["id"]) if reply.status == 202 else None
