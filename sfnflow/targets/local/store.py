"""What the local target remembers: state machines and their versions, executions, jobs, events."""

import json
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from sfnflow.graph import Flow
from sfnflow.render import JobDefinition
from sfnflow.targets import Deployed, Release, Run, StepProgress, Task
from sfnflow.targets.local.database import Database
from sfnflow.targets.local.record import Record

TERMINATED = "Terminated: the run was stopped, or another task of it failed."
"""The reason of a job that was ended for no fault of its own."""
CAUGHT = "Caught: it has failed, and @catch let the run go on."
"""The reason of a job that succeeded only by that."""


class Store:
    """Typed reads and writes of the database; it knows no files and no processes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # state machines and versions

    def get_deployed(self, name: str) -> Deployed | None:
        """The live version of that name, or None."""
        rows = self._db.query(
            "SELECT m.name, v.*, m.token, m.owner FROM machines m"
            " JOIN versions v ON v.machine = m.name AND v.version = m.live WHERE m.name = ?",
            name,
        )
        return _deployed(rows[0]) if rows else None

    def get_token(self, name: str) -> str | None:
        """The production token that this name had last, even when it is deleted now."""
        rows = self._db.query("SELECT token FROM machines WHERE name = ?", name)
        return rows[0]["token"] if rows else None

    def names(self) -> list[str]:
        """The names of all live flows, sorted."""
        rows = self._db.query("SELECT name FROM machines WHERE live IS NOT NULL ORDER BY name")
        return [row["name"] for row in rows]

    def add_version(self, release: Release, now: float) -> int:
        """Makes the release the live version and returns its number."""
        with self._db.transaction() as db:
            found = db.execute(
                "SELECT max(version) FROM versions WHERE machine = ?", (release.name,)
            ).fetchone()
            version = (found[0] or 0) + 1
            for job in release.jobs:
                content = job.model_dump_json()
                db.execute(
                    "INSERT OR IGNORE INTO job_definitions VALUES (?, ?)", (job.name, content)
                )
            db.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
                (
                    release.name,
                    version,
                    release.package.id,
                    release.machine.to_json(),
                    release.flow.model_dump_json(),
                    now,
                ),
            )
            db.execute(
                "INSERT INTO machines VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET live = excluded.live, token = excluded.token, owner = excluded.owner",
                (release.name, version, release.token, release.owner),
            )
            return version

    def delete(self, name: str) -> None:
        """Takes a flow out of service; its versions and runs are kept."""
        with self._db.transaction() as db:
            db.execute("UPDATE machines SET live = NULL WHERE name = ?", (name,))

    def version(self, name: str, version: int) -> Row:
        """One version's row: code, definition, flow."""
        return self._db.query(
            "SELECT v.*, m.token, m.owner FROM versions v JOIN machines m ON m.name = v.machine"
            " WHERE v.machine = ? AND v.version = ?",
            name,
            version,
        )[0]

    def job_definition(self, name: str) -> JobDefinition:
        """A registered job definition."""
        rows = self._db.query("SELECT content FROM job_definitions WHERE name = ?", name)
        return JobDefinition.model_validate_json(rows[0]["content"])

    # executions

    def add_execution(
        self, name: str, machine: str, flow: str, version: int, document: dict[str, Any], now: float
    ) -> None:
        """Records that an execution has been started."""
        with self._db.transaction() as db:
            db.execute(
                "INSERT INTO executions (name, machine, flow, version, status, input, started)"
                " VALUES (?, ?, ?, ?, 'RUNNING', ?, ?)",
                (name, machine, flow, version, json.dumps(document), now),
            )

    def end_execution(self, name: str, status: str, error: str, cause: str, now: float) -> None:
        """Records how an execution has ended."""
        with self._db.transaction() as db:
            db.execute(
                "UPDATE executions SET status=?, error=?, cause=?, stopped=? WHERE name=?",
                (status, error, cause, now, name),
            )

    def reopen_execution(self, name: str) -> None:
        """Records that an execution goes on: what failed is superseded, what was under way lost.

        A job that had ended all the same is put back by `recover_successes`.
        """
        with self._db.transaction() as db:
            db.execute(
                "UPDATE executions SET status='RUNNING', error='', cause='', stopped=NULL"
                " WHERE name=?",
                (name,),
            )
            db.execute(
                "DELETE FROM jobs WHERE execution=? AND status IN ('RUNNABLE', 'RUNNING')", (name,)
            )
            db.execute(
                "UPDATE jobs SET superseded=1 WHERE execution=? AND status='FAILED'", (name,)
            )
            db.execute("DELETE FROM events WHERE execution=?", (name,))

    def execution(self, name: str) -> Row:
        """An execution's row, its input included."""
        return self._db.query("SELECT * FROM executions WHERE name = ?", name)[0]

    def find_runs(self, prefix: str) -> list[Run]:
        """Runs whose execution name starts with `prefix`, newest first."""
        rows = self._db.query(
            "SELECT * FROM executions WHERE substr(name, 1, length(?1)) = ?1"
            " ORDER BY started DESC LIMIT 20",
            prefix,
        )
        return [_run(row) for row in rows]

    def runs(self, machine: str, limit: int) -> list[Run]:
        """The newest runs of a flow."""
        rows = self._db.query(
            "SELECT * FROM executions WHERE machine = ? ORDER BY started DESC LIMIT ?",
            machine,
            limit,
        )
        return [_run(row) for row in rows]

    # jobs and events

    def finished_places(self, execution: str) -> set[str]:
        """Where in the execution a task has succeeded already: those are not run again."""
        rows = self._db.query(
            "SELECT place FROM jobs WHERE execution = ? AND status = 'SUCCEEDED'", execution
        )
        return {row["place"] for row in rows}

    def failed_by_themselves(self, execution: str) -> set[str]:
        """The ids of jobs that failed with an exit code, rather than by a kill."""
        rows = self._db.query(
            "SELECT id FROM jobs WHERE execution = ? AND status = 'FAILED' AND exit_code > 0",
            execution,
        )
        return {row["id"] for row in rows}

    def recover_successes(self, execution: str, records: list[Record], now: float) -> None:
        """Records successes that an engine did not live to write: all of a job, or how it ended."""
        with self._db.transaction() as db:
            db.executemany(
                "INSERT INTO jobs (id, execution, place, step, path, status, attempt, exit_code,"
                " created, started, stopped) VALUES"
                " (:id, :execution, :place, :step, :path, 'SUCCEEDED', :attempt, 0, :now, :now, :now)"
                " ON CONFLICT (id) DO UPDATE SET status='SUCCEEDED', exit_code=0, reason='',"
                " superseded=0, attempt=excluded.attempt, stopped=coalesce(stopped, :now)",
                [{**record._asdict(), "execution": execution, "now": now} for record in records],
            )

    def tasks(self, execution: str, step: str | None, failed: bool) -> list[Task]:
        """The tasks of a run in the order they were made, of one step or failed ones only."""
        where, values = "execution = ?", [execution]
        if step is not None:
            where, values = f"{where} AND step = ?", [*values, step]
        if failed:
            where += " AND status = 'FAILED' AND NOT superseded"
        rows = self._db.query(f"SELECT * FROM jobs WHERE {where} ORDER BY created", *values)
        return [_task(row) for row in rows]

    def progress(self, execution: str, flow: Flow) -> list[StepProgress]:
        """Each step's counts, in the order of the graph."""
        rows = self._db.query(
            "SELECT step, count(*) AS tasks, sum(status='SUCCEEDED') AS done,"
            " sum(status='RUNNING') AS running, sum(status='FAILED' AND reason != ?1) AS failed,"
            " sum(reason = ?1) AS terminated, sum(reason = ?3) AS caught,"
            " sum(attempt > 1) AS retried, min(started) AS started, max(stopped) AS stopped"
            " FROM jobs WHERE execution = ?2 AND NOT superseded GROUP BY step",
            TERMINATED,
            execution,
            CAUGHT,
        )
        counts = {row["step"]: row for row in rows}
        splits = self._splits(execution)
        return [
            _progress(step.name, counts, _total(flow, step.name, splits)) for step in flow.steps
        ]

    def _splits(self, execution: str) -> dict[str, int]:
        """How many iterations each foreach has fanned out to so far."""
        rows = self._db.query(
            "SELECT state, sum(json_extract(details, '$.length')) AS items FROM events"
            " WHERE execution = ? AND type = 'MapStateStarted' GROUP BY state",
            execution,
        )
        return {row["state"].removesuffix(" each"): row["items"] for row in rows}


def _total(flow: Flow, name: str, splits: dict[str, int]) -> int | None:
    step = flow.step(name)
    around = step.splits[:-1] if step.kind == "join" else step.splits
    foreachs = [split for split in around if flow.step(split).kind == "foreach"]
    return splits.get(foreachs[-1]) if foreachs else 1


def _progress(name: str, counts: dict[str, Row], total: int | None) -> StepProgress:
    row = counts.get(name)
    if row is None:
        return StepProgress(name, total, 0, 0, 0, 0, 0, 0, None, None)
    return StepProgress(
        name,
        total,
        row["done"],
        row["running"],
        row["failed"],
        row["terminated"],
        row["caught"],
        row["retried"],
        _time(row["started"]),
        _time(row["stopped"]),
    )


def _time(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def _deployed(row: Row) -> Deployed:
    return Deployed(
        name=row["machine"],
        version=row["version"],
        flow=Flow.model_validate_json(row["flow"]),
        definition=row["definition"],
        code=row["code"],
        token=row["token"],
        owner=row["owner"],
        created=datetime.fromtimestamp(row["created"], UTC),
    )


def _run(row: Row) -> Run:
    return Run(
        id=f"sfn-{row['name']}",
        name=row["machine"],
        flow=row["flow"],
        version=row["version"],
        status=row["status"],
        started=datetime.fromtimestamp(row["started"], UTC),
        stopped=_time(row["stopped"]),
        error=row["error"],
        cause=row["cause"],
    )


def _task(row: Row) -> Task:
    return Task(
        id=row["id"],
        step=row["step"],
        path=row["path"],
        status=row["status"],
        attempt=row["attempt"],
        exit_code=row["exit_code"],
        reason=row["reason"],
        terminated=row["reason"] == TERMINATED,
        started=_time(row["started"]),
        stopped=_time(row["stopped"]),
    )
