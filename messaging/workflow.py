"""THE LIFE OF A MESSAGE: encrypt → deliver → notify → index.

A position waits for the one before it; notify and index stand side by side at the end, because neither
may hold up the other and neither can stop a delivered message (S43, S44, C2). The step's number is the
last digit of its job's id.
"""

from messaging.stages.deliver import deliver
from messaging.stages.encrypt import encrypt
from messaging.stages.index import index
from messaging.stages.notify import plan
from queueing.workflow import Step, Workflow

ENCRYPTION, DELIVERY, NOTIFICATION, INDEXING = "encryption", "delivery", "notification", "indexing"

MESSAGE = Workflow(
    "message",
    Step(ENCRYPTION, encrypt, position=0, critical=True),
    Step(DELIVERY, deliver, position=1, critical=True),
    Step(NOTIFICATION, plan, position=2, critical=False),
    Step(INDEXING, index, position=2, critical=False),
)

# What becomes of a message that was edited: a run of its own, about the same message.
CHANGE = Workflow(
    "change",
    Step(ENCRYPTION, encrypt, position=0, critical=True),
    Step(INDEXING, index, position=1, critical=False),
)
