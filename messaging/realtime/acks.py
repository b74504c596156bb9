"""Delivered acknowledgements, collected for a moment and stored together, the highest wins."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from messaging.realtime import limits

log = logging.getLogger(__name__)

Row = tuple[UUID, UUID, int]  # user, conversation, seq
Store = Callable[[list[Row]], Awaitable[object]]


class Acks:
    """Hands what it is told to *store* every 100 ms; a client repeats what a crash loses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seqs: dict[tuple[UUID, UUID], int] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, user_id: UUID, conversation_id: UUID, seq: int) -> None:
        """*user_id* has everything up to *seq*."""
        key = (user_id, conversation_id)
        self._seqs[key] = max(seq, self._seqs.get(key, 0))
        if self._task is None:
            self._task = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        pause = limits.ACKS
        try:
            while self._seqs:
                await asyncio.sleep(pause)
                pause = await self._store_all()
        finally:
            self._task = None

    async def _store_all(self) -> float:
        seqs, self._seqs = self._seqs, {}
        try:
            await self._store([(*key, seq) for key, seq in seqs.items()])
        except Exception as error:
            log.warning("%d receipts wait: %s", len(seqs), type(error).__name__)
            for key, seq in seqs.items():
                self._seqs[key] = max(seq, self._seqs.get(key, 0))
            return limits.RETRY
        return limits.ACKS
