"""How others hear of the ledger; sent inside the transaction that makes it true.

    job_failed(jobs, error)               dead letters were made; jobs are Claimed, and their
                                          attempts include the last one
    job_retried(job, actor_id, reason)    an operator gave a dead letter its attempts again
    job_cancelled(job, actor_id, reason)
    job_discarded(job, actor_id, reason)  a dead letter was given up
    queue_paused(queue, tenant_id, provider, until, actor_id, reason)
    queue_resumed(queue, tenant_id, provider, actor_id, reason)

A receiver of job_failed that raises is logged and passed over: a listener may not keep a job from
ending. A receiver of the others that raises undoes what the operator did.
"""

from django.dispatch import Signal

job_failed = Signal()
job_retried = Signal()
job_cancelled = Signal()
job_discarded = Signal()
queue_paused = Signal()
queue_resumed = Signal()
