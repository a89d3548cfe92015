"""What a process does about its parent."""

import functools
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Ends this process when the one that started it is killed. Linux only; nothing elsewhere."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def preload() -> None:
    """Loads what `die_with_parent` needs, for a process that forks many that call it."""
    if sys.platform == "linux":
        _libc()


@functools.cache
def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None)
