"""Database work of sockets: off the event loop, in a few threads that keep their connections."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

from messaging.realtime import limits

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(limits.THREADS, thread_name_prefix="socket-database")


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What *function* returns, called in a thread with a healthy database connection."""

    def run() -> T:
        close_old_connections()  # one that died must not fail every later call of its thread
        return function(*args, **kwargs)

    here = contextvars.copy_context()  # log lines of the thread are about this socket too
    return await asyncio.get_running_loop().run_in_executor(_threads, here.run, run)
