"""Coroutines that run at once and end together, whether they succeed, fail or are stopped."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def run_all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs them at once. A failure cancels the others, waits until they ended, and is raised."""
    # No TaskGroup: up to Python 3.12 one that failed leaves its parent marked as being cancelled,
    # which breaks the timeouts around it.
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: list["asyncio.Task[T]"]) -> None:
    for task in tasks:
        task.cancel()
    while running := [task for task in tasks if not task.done()]:
        with contextlib.suppress(asyncio.CancelledError):  # cancelled again: they still must end
            await asyncio.wait(running)


def let_cancellation_win() -> None:
    """A stop or timeout outranks an error that comes with it: no Retry or Catch may undo it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
