"""Flower's settings: a view of drains and queue health, read-only and behind a log-in.

Flower reads this file itself (--conf), and takes each name that is one of its options.
"""

from celery.events.state import Task

from config import env

address = env.text("FLOWER_ADDRESS", "127.0.0.1")  # /metrics and /healthcheck ask for no log-in
port = env.integer("FLOWER_PORT", 5555)
url_prefix = "flower"
basic_auth = [f"{env.text('FLOWER_USER', 'operator')}:{env.secret('FLOWER_PASSWORD')}"]
read_only = True  # a retry belongs to the admin, where it is audited
auto_refresh = True
persistent = True
db = env.text("FLOWER_DB", "flower.db")
state_save_interval = 5000  # milliseconds
purge_offline_workers = 60  # seconds
max_tasks = 10_000
tasks_columns = "name,state,result,received,runtime,worker,exception,uuid"
CODES_ONLY = "QueueUnhealthy("  # the one error whose text is all codes

if basic_auth[0].endswith(":"):
    raise SystemExit("FLOWER_PASSWORD is not set.")


def format_task(task: Task) -> Task:
    """The task without whatever an argument or an error's text might say."""
    task.args = task.kwargs = ""
    task.traceback = None
    if task.exception and not task.exception.startswith(CODES_ONLY):
        task.exception = task.exception.partition("(")[0]
    return task
