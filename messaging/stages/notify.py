"""The notification step plans: who is told, by which channel. In-app is done with that.

Each notification that has to leave the house gets a job of its own, so that a provider's outage
neither holds up the others nor the index.
"""

from messaging.notifications import planning
from queueing.jobs import Batch, job
from queueing.queues import NOTIFICATION


@job(queue=NOTIFICATION, name="plan-notifications")
def plan(batch: Batch) -> None:
    """Write the notifications of the batch's messages and enqueue the sending of those outside."""
    planning.plan([job.args["messageId"] for job in batch])
