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


def batch(batch_id: object) -> str:
    """Where the batch is."""
    return f"{PREFIX}/batches/{batch_id}"


def of_batch(batch_id: object, job_id: object) -> dict[str, object]:
    """The links of an accepted batch: itself, its job, its people."""
    own = batch(batch_id)
    return {"self": own, "job": job(job_id), "recipients": f"{own}/recipients"}


def of_accepted(message_id: object, job_ids: Mapping[str, object]) -> dict[str, object]:
    """The links of an accepted message: itself and its jobs by step."""
    jobs = {step: job(job_id) if job_id else None for step, job_id in job_ids.items()}
    return {"self": message(message_id), "jobs": jobs}
