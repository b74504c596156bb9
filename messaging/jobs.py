"""Where a worker finds the job kinds: each is declared in the file of the thing that it does."""

from messaging import batches, keys, workflow
from messaging.notifications import sending
from messaging.retention import cleanup
from messaging.services import devices
from messaging.stages import confirm

__all__ = ["batches", "cleanup", "confirm", "devices", "keys", "sending", "workflow"]
