"""The local target's SQLite file: one place for its schema, its mode and what its errors mean."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sfnflow.errors import DeployError

# How long one process waits for another's write, in seconds.
_BUSY_SECONDS = 30

_SCHEMA = """
CREATE TABLE IF NOT EXISTS machines (
    name TEXT PRIMARY KEY, live INTEGER, token TEXT NOT NULL, owner TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS versions (
    machine TEXT NOT NULL, version INTEGER NOT NULL, code TEXT NOT NULL, definition TEXT NOT NULL,
    flow TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (machine, version)
);
CREATE TABLE IF NOT EXISTS job_definitions (name TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS executions (
    name TEXT PRIMARY KEY, machine TEXT NOT NULL, flow TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL, input TEXT NOT NULL, started REAL NOT NULL, stopped REAL,
    error TEXT NOT NULL DEFAULT '', cause TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS executions_by_machine ON executions (machine, started);
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, execution TEXT NOT NULL, place TEXT NOT NULL, step TEXT NOT NULL,
    path TEXT NOT NULL, status TEXT NOT NULL, attempt INTEGER NOT NULL, exit_code INTEGER,
    reason TEXT NOT NULL DEFAULT '', created REAL NOT NULL, started REAL, stopped REAL,
    superseded INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_step ON jobs (execution, step, status);
CREATE TABLE IF NOT EXISTS events (
    execution TEXT NOT NULL, time REAL NOT NULL, type TEXT NOT NULL, place TEXT NOT NULL,
    state TEXT NOT NULL, details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_execution ON events (execution, type);
"""


class Database:
    """A connection to the state of the local target, made on first use."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._connection: sqlite3.Connection | None = None

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a SELECT; none as long as nothing was ever deployed here."""
        if self._connection is None and not (self._home / "state.db").exists():
            return []
        with explained(self._home):
            return self._open().execute(sql, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write: all of it or nothing, one process at a time."""
        with explained(self._home):
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._home.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._home / "state.db", timeout=_BUSY_SECONDS, isolation_level=None
            )
            connection.row_factory = sqlite3.Row
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name='events'").fetchone():
                connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection


@contextlib.contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turns what the disk refuses into an error that says so."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        raise DeployError(
            f"The local target cannot read or write its state in {home}: {error}.",
            hint="Free space or make the folder writable; SFNFLOW_HOME puts it elsewhere. "
            "What was live before still is.",
        ) from error
