"""Who works on a run: its lock is held by the engine, by the warmed processes and by every job.

flock(2) belongs to the open file, which children inherit, so the lock is free only when all of them
are gone, however they went.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from sfnflow.errors import RunError

_POLL_SECONDS = 0.05


def is_locked(path: Path) -> bool:
    """Whether any process of the run is alive."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@contextlib.contextmanager
def taken(path: Path, wait_seconds: float = 0) -> Iterator[int]:
    """The lock, to be passed on to a child. RunError when others still hold it after the wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(fd):
            if time.monotonic() > deadline:
                raise RunError(
                    "The run is still being worked on by another process.",
                    hint="Wait for it to end, or end it with `sfnflow stop`.",
                )
            time.sleep(_POLL_SECONDS)
        yield fd
    finally:
        os.close(fd)


def signal_engine(path: Path) -> None:
    """Asks the engine that holds the lock to stop; it writes its pid into the file."""
    pid = path.read_text().strip()
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
