"""A client: starts runs, tries again with the same ids until each is acknowledged, prints those.

python -m tests.faults.client COUNT [seconds=S] [poison=STEP] [killer=STEP] [timeout=STEP] [bad=N]

*bad* of the runs misbehave as said, the others do not.
"""

import os
import sys
import time
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import InterfaceError, OperationalError, connection, transaction  # noqa: E402

from queueing.ids import new_run  # noqa: E402
from queueing.models import Job  # noqa: E402
from tests.faults.kinds import STEPS, WALK  # noqa: E402

PER_COMMIT = 10
TENANT = uuid4()


def start(runs: list[UUID], args: dict[str, Any]) -> float:
    """Start *runs* in one transaction, whatever it takes; seconds of the longest try."""
    longest = 0.0
    while True:
        began = time.monotonic()
        try:
            with transaction.atomic():
                if not Job.objects.filter(id__gte=runs[0], run_id=runs[0]).exists():
                    for run in runs:
                        WALK.start(run, steps=STEPS, tenant_id=TENANT, args=args)
            return max(longest, time.monotonic() - began)
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.1)
        finally:
            longest = max(longest, time.monotonic() - began)


def main(count: int, options: dict[str, str]) -> None:
    """Start *count* runs within about so many seconds."""
    bad = int(options.pop("bad", "0"))
    pause = float(options.pop("seconds", "0")) * PER_COMMIT / count
    runs = [new_run() for _ in range(count)]
    longest = 0.0
    for number in range(0, count, PER_COMMIT):
        longest = max(longest, start(runs[number : number + PER_COMMIT], {}))
        time.sleep(pause)
    for run in (misbehaving := [new_run() for _ in range(bad)]):
        start([run], options)
    print(f"{longest:.3f}", *runs, *misbehaving, sep="\n", flush=True)
    time.sleep(0.2)  # the waker is a daemon


if __name__ == "__main__":
    main(int(sys.argv[1]), dict(word.split("=", 1) for word in sys.argv[2:]))
