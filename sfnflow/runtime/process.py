"""Processes and those that they leave behind."""

import contextlib
import functools
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


def die_with_parent(parent: int | None = None) -> None:
    """Ends this process when the one that started it is killed. Linux only; nothing elsewhere."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:  # it was killed before we could ask
        os._exit(1)


def adopt_orphans() -> None:
    """Makes this process the parent of what its jobs leave behind. Linux only; nothing elsewhere."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_group(pid: int) -> None:
    """Kills a job and what it has started, save what has made a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it may not have made its group yet
        os.kill(pid, signal.SIGKILL)


def kill_children() -> None:
    """Kills every child of this process, and those that it thereby adopts, until there are none."""
    while children := _children():
        for pid in children:
            kill_group(pid)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:  # not Linux
        return []


@functools.cache
def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None)
