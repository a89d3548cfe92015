"""Where the local target keeps its files.

.sfnflow/state.db                 state machines, versions, executions, jobs (SQLite)
.sfnflow/code/<package id>/       unpacked code packages
.sfnflow/s3/<bucket>/             what s3:// means here: the ledger of every run
.sfnflow/runs/<execution>/        lock, engine.log, warm-*.log, done, work/<job> while it runs
.metaflow/                        Metaflow's datastore: artifacts, metadata, logs
"""

from pathlib import Path
from typing import NamedTuple

from sfnflow.config import LocalSettings


class Layout(NamedTuple):
    """Paths below the two roots of the local target."""

    settings: LocalSettings

    @property
    def home(self) -> Path:
        """`.sfnflow`."""
        return self.settings.home

    def package(self, code: str) -> Path:
        """The unpacked code package of that id."""
        return self.home / "code" / code

    def bucket(self, bucket: str) -> Path:
        """The folder that stands for a bucket."""
        return self.home / "s3" / bucket

    def run(self, execution: str) -> Path:
        """What the engine of an execution keeps for itself."""
        return self.home / "runs" / execution

    def lock(self, execution: str) -> Path:
        """Held locked by the engine of an execution and by all its processes; holds its pid."""
        return self.run(execution) / "lock"

    def done(self, execution: str) -> Path:
        """Where each job writes that it has started, and that it is done."""
        return self.run(execution) / "done"

    def scratch(self, execution: str) -> Path:
        """The folder of the jobs' working directories."""
        return self.run(execution) / "work"

    def task_log(self, flow: str, execution: str, step: str, task: str, attempt: int) -> Path:
        """Metaflow's log of one attempt, up to `_stdout.log` (metaflow.datastore.task_datastore)."""
        return self._task(flow, execution, step, task) / f"{attempt}.task"

    def done_marker(self, flow: str, execution: str, step: str, task: str, attempt: int) -> Path:
        """What Metaflow writes last of an attempt, be it good or bad (metaflow.datastore)."""
        return self._task(flow, execution, step, task) / f"{attempt}.DONE.lock"

    def _task(self, flow: str, execution: str, step: str, task: str) -> Path:
        return self.settings.datastore / flow / f"sfn-{execution}" / step / task
