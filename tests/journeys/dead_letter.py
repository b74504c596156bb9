"""A sealed message whose ciphertext was damaged, so that its encryption job is a dead letter."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.system.system import System
from tests.system.waiting import wait_until

TAMPER = (
    "update messages set encrypted_content ="
    " set_byte(encrypted_content, 0, get_byte(encrypted_content, 0) # 1) where id = %s"
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """From alice to bob; *id* is the job's."""

    system: System
    message_id: str
    id: str

    @property
    def path(self) -> str:
        """Where the API shows the job."""
        return f"/messages/jobs/{self.id}"

    @property
    def page(self) -> str:
        """Where the admin does."""
        return f"/admin/queueing/job/{self.id}/"

    def state(self) -> str:
        return str(self.system.api("alice").get(self.path).json["state"])

    def repair(self) -> None:
        """Make the ciphertext what it was."""
        self.system.sql(TAMPER, self.message_id)

    def until_it_is_delivered(self) -> None:
        """Come back when it has gone all the way."""
        query = "select 1 from message_deliveries where message_id = %s and status = 'SENT'"
        wait_until(lambda: self.system.sql(query, self.message_id))
        assert self.state() == "completed"


def dead_letter(system: System, content: str) -> DeadLetter:
    """One that has just died; it was damaged while it waited for its time."""
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    body = {"recipientId": system.people["bob"], "content": content, "encrypted": True}
    reply = system.api("alice").post("/messages/direct", body | {"scheduledAt": soon})
    assert reply.status == 202, reply
    found = reply.json["message"]["id"], reply.json["queue"]["jobIds"]["encryption"]
    letter = DeadLetter(system, *found)
    letter.repair()  # the same bit twice is the text again; once is the damage
    wait_until(lambda: letter.state() == "failed")
    return letter
