"""The engine's writes: kept for a moment and committed together, so that 10,000 jobs cost few commits."""

import asyncio
import json
import sys
import time

from sfnflow.errors import DeployError
from sfnflow.targets.local.database import Database
from sfnflow.targets.local.execution import Event

_FLUSH_SECONDS = 0.1
_RETRY_SECONDS = 5

# What status needs is written; the entering and leaving of 10,000 iterations is not.
_KEPT = {
    "ExecutionStarted",
    "MapStateStarted",
    "MapStateFailed",
    "ParallelStateFailed",
    "TaskFailed",
    "TaskTimedOut",
    "ExecutionFailed",
    "ExecutionTimedOut",
    "ExecutionAborted",
    "ExecutionSucceeded",
}


class Journal:
    """Jobs and events of one execution on their way into the database."""

    def __init__(self, database: Database, execution: str) -> None:
        self._db, self._execution = database, execution
        self._pending: list[tuple[str, tuple[object, ...]]] = []
        self._flusher: asyncio.TimerHandle | None = None

    def event(self, event: Event) -> None:
        """Adds a history event, if it is one that is kept."""
        if event.type in _KEPT:
            details = json.dumps(event.details)
            self._add(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                (self._execution, time.time(), event.type, event.path, event.state, details),
            )

    def submitted(self, job: str, place: str, step: str, path: str) -> None:
        """A job waits for a slot."""
        self._add(
            "INSERT OR REPLACE INTO jobs (id, execution, place, step, path, status, attempt, created)"
            " VALUES (?, ?, ?, ?, ?, 'RUNNABLE', 1, ?)",
            (job, self._execution, place, step, path, time.time()),
        )

    def started(self, job: str, attempt: int) -> None:
        """A job's attempt runs."""
        self._add(
            "UPDATE jobs SET status='RUNNING', attempt=?, started=coalesce(started, ?) WHERE id=?",
            (attempt, time.time(), job),
        )

    def ended(self, job: str, status: str, exit_code: int | None, reason: str) -> None:
        """A job is over."""
        self._add(
            "UPDATE jobs SET status=?, exit_code=?, reason=?, stopped=? WHERE id=?",
            (status, exit_code, reason, time.time(), job),
        )

    def flush(self) -> None:
        """Writes all that is pending now. DeployError when the disk refuses; nothing is dropped."""
        if self._flusher is not None:
            self._flusher.cancel()
            self._flusher = None
        if self._pending:
            with self._db.transaction() as db:
                for sql, values in self._pending:
                    db.execute(sql, values)
            self._pending = []

    def _add(self, sql: str, values: tuple[object, ...]) -> None:
        self._pending.append((sql, values))
        self._flush_after(_FLUSH_SECONDS)

    def _flush_after(self, seconds: float) -> None:
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().call_later(seconds, self._flush_or_retry)

    def _flush_or_retry(self) -> None:
        try:
            self.flush()
        except DeployError as error:  # the disk may have room again before the run is over
            sys.stderr.write(f"{error.message}\n")
            self._flush_after(_RETRY_SECONDS)
