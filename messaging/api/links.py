"""Where things are, for answers: always under the versioned prefix."""

from collections.abc import Mapping

PREFIX = "/api/v1"


def message(message_id: object) -> str:
    """Where the message is."""
    return f"{PREFIX}/messages/{message_id}"


def job(job_id: object) -> str:
    """Where the job's state is."""
    return f"{PREFIX}/messages/jobs/{job_id}"


def conversation(conversation_id: object) -> str:
    """Where the conversation is."""
    return f"{PREFIX}/conversations/{conversation_id}"


def of_accepted(message_id: object, job_ids: Mapping[str, object]) -> dict[str, object]:
    """The links of an accepted message: itself and its jobs by step."""
    jobs = {step: job(job_id) if job_id else None for step, job_id in job_ids.items()}
    return {"self": message(message_id), "jobs": jobs}
