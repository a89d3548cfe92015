"""Writes what a task prints as Metaflow's logs, line by line while it runs.

The format is metaflow.mflog's: `[MFLOG|0|<utc time>Z|task|<id>]line`; the Client API's `task.stdout`
reads it, and so does `sfnflow logs`.
"""

import os


class LogWriter:
    """Turns chunks of a stream into whole, time-stamped lines of a log file, made at the first."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._pieces: list[bytes] = []  # of a line whose end has not come

    def write(self, chunk: bytes) -> None:
        """Adds a chunk; a line is written once its end has come."""
        first, *rest = chunk.split(b"\n")
        self._pieces.append(first)
        if rest:
            self._append([b"".join(self._pieces), *rest[:-1]])
            self._pieces = [rest[-1]]

    def close(self) -> None:
        """Writes a last line that has no end, and closes the file."""
        last = b"".join(self._pieces)
        if last:
            self._append([last])
            self._pieces = []
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, lines: list[bytes]) -> None:
        from metaflow.mflog import TASK_LOG_SOURCE
        from metaflow.mflog.mflog import decorate

        if not lines:
            return
        if self._file is None:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        block = b"".join(decorate(TASK_LOG_SOURCE, line + b"\n") for line in lines)
        view = memoryview(block)
        while view:
            view = view[os.write(self._file, view) :]
