"""How others hear of the ledger; sent inside the transaction that makes it true.

    job_failed(jobs, error)               dead letters were made; jobs are Claimed, and their
                                          attempts include the last one
    jobs_completed(jobs)                  jobs are Claimed, in the transaction that completes them
    job_progressed(job, progress)         a job reports how far it is
    job_retried(job, actor_id, reason)    an operator gave a dead letter its attempts again
    job_cancelled(job, actor_id, reason)
    job_discarded(job, actor_id, reason)  a dead letter was given up
    queue_paused(queue, tenant_id, provider, until, actor_id, reason)
    queue_resumed(queue, tenant_id, provider, actor_id, reason)
    circuit_closed(provider, actor_id, reason)    an operator closed a provider's circuit

A receiver of the first three that raises is logged and passed over: a listener may not keep a job
from ending. A receiver of the others that raises undoes what the operator did.
"""

from django.dispatch import Signal

job_failed = Signal()
jobs_completed = Signal()
job_progressed = Signal()
job_retried = Signal()
job_cancelled = Signal()
job_discarded = Signal()
queue_paused = Signal()
queue_resumed = Signal()
circuit_closed = Signal()
