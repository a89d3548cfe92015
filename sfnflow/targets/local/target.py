"""The local target: deploys into `.sfnflow`, runs executions in engines of their own."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sfnflow.config import LocalSettings, RenderSettings
from sfnflow.errors import DeployError, RunError
from sfnflow.graph import Flow
from sfnflow.package import CodePackage
from sfnflow.runtime.folder import FolderStore
from sfnflow.targets import Deployed, LogLine, Release, Run, StepProgress, Task
from sfnflow.targets.local.database import Database, explained
from sfnflow.targets.local.layout import Layout
from sfnflow.targets.local.lock import is_locked, signal_engine, taken
from sfnflow.targets.local.logs import read_lines
from sfnflow.targets.local.store import Store
from sfnflow.targets.local.supported import check_supported

_STOP_SECONDS = 30
_POLL_SECONDS = 0.05


class LocalTarget:
    """Meets `targets.Target` on this machine."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._layout = Layout(settings)
        self._store = Store(Database(settings.home))
        self.label = f"local ({settings.home})"

    def get_deployed(self, name: str) -> Deployed | None:
        """The live version, or None."""
        return self._store.get_deployed(name)

    def get_token(self, name: str) -> str | None:
        """The production token this name has or had."""
        return self._store.get_token(name)

    def deployed_names(self) -> list[str]:
        """What is deployed."""
        return self._store.names()

    def holds(self, package: CodePackage) -> bool:
        """Whether the package is there and whole."""
        return package.is_in(self._layout.package(package.id))

    def apply(self, release: Release) -> int:
        """Writes the package, then makes the version live: what fails before leaves the old one."""
        unsupported = check_supported(release.machine)
        if unsupported:
            raise DeployError(
                f"The local target does not run all of {release.name}.", details=unsupported
            )
        with explained(self._settings.home):
            release.package.write_folder(self._layout.package(release.package.id))
        return self._store.add_version(release, time.time())

    def delete(self, name: str) -> None:
        """Takes the flow out of service."""
        self._store.delete(name)

    def put_object(self, key: str, body: bytes) -> None:
        """Writes an object into the ledger's store, for a job to read."""
        render = RenderSettings()
        with explained(self._settings.home):
            FolderStore(self._layout.bucket(render.bucket) / render.prefix).put(key, body)

    def start(self, deployed: Deployed, document: dict[str, Any]) -> Run:
        """Starts an execution of the live version; it outlives this process."""
        execution = str(uuid.uuid4())
        with explained(self._settings.home), taken(self._layout.lock(execution)) as lock:
            self._store.add_execution(
                execution,
                deployed.name,
                deployed.flow.name,
                deployed.version,
                document,
                time.time(),
            )
            self._spawn(execution, lock)
        return self.find_runs(execution)[0]

    def redrive(self, run: Run) -> None:
        """Goes on with an execution where it stopped: what has succeeded is not run again."""
        execution = _execution(run)
        with taken(self._layout.lock(execution)) as lock:
            now = self._store.find_runs(execution)[0]
            if now.status not in (run.status, "RUNNING"):  # another redrive was first, and is over
                raise RunError(f"{run.id} has gone on meanwhile: {now.status}.")
            self._store.reopen_execution(execution)
            self._spawn(execution, lock)

    def stop(self, run: Run) -> None:
        """Ends an execution and its jobs; returns when they are gone."""
        execution = _execution(run)
        lock = self._layout.lock(execution)
        deadline = time.monotonic() + _STOP_SECONDS
        while is_locked(lock):
            signal_engine(lock)
            if time.monotonic() > deadline:
                raise RunError(f"{run.id} has not stopped within {_STOP_SECONDS} seconds.")
            time.sleep(_POLL_SECONDS)
        if self._store.execution(execution)["status"] == "RUNNING":  # its engine was killed before
            self._store.end_execution(
                execution, "ABORTED", "States.Aborted", "Stopped by the user.", time.time()
            )

    def find_runs(self, prefix: str) -> list[Run]:
        """Runs whose id starts so, with or without `sfn-`."""
        return [self._seen(run) for run in self._store.find_runs(prefix.removeprefix("sfn-"))]

    def runs(self, name: str, limit: int) -> list[Run]:
        """The newest runs of a flow."""
        return [self._seen(run) for run in self._store.runs(name, limit)]

    def flow_of(self, run: Run) -> Flow:
        """The flow as it was when the run's version was created."""
        return Flow.model_validate_json(self._store.version(run.name, run.version)["flow"])

    def progress(self, run: Run) -> list[StepProgress]:
        """How far each step is."""
        return self._store.progress(_execution(run), self.flow_of(run))

    def tasks(self, run: Run, *, step: str | None = None, failed: bool = False) -> list[Task]:
        """The run's tasks."""
        return self._store.tasks(_execution(run), step, failed)

    def log_lines(self, run: Run, task: Task, skip: dict[str, int]) -> Iterator[LogLine]:
        """What a task has printed in all its attempts, beyond what `skip` says was read."""
        logs = [
            (stream, Path(f"{prefix}_{stream}.log"))
            for attempt in range(task.attempt)
            for prefix in [
                self._layout.task_log(run.flow, _execution(run), task.step, task.id, attempt)
            ]
            for stream in ("stdout", "stderr")
        ]
        return read_lines(task, logs, skip)

    def metaflow_environment(self) -> dict[str, str]:
        """What points Metaflow, started here for a user, at this target's runs."""
        return {
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self._settings.metaflow_root),
            "METAFLOW_USER": self._settings.user,
        }

    def _seen(self, run: Run) -> Run:
        """A run that says it is running while none of its processes lives was interrupted."""
        if run.status != "RUNNING" or is_locked(self._layout.lock(_execution(run))):
            return run
        again = self._store.find_runs(_execution(run))[0]  # it may have ended in between
        return again._replace(status="INTERRUPTED") if again.status == "RUNNING" else again

    def _spawn(self, execution: str, lock: int) -> None:
        folder = self._layout.run(execution)
        os.ftruncate(lock, 0)  # the pid in it, if any, is of an engine that is gone
        command = [sys.executable, "-P", "-m", "sfnflow.targets.local.engine"]
        with (folder / "engine.log").open("ab") as log:
            subprocess.Popen(
                [*command, self._settings.model_dump_json(), execution, str(lock)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )


def _execution(run: Run) -> str:
    return run.id.removeprefix("sfn-")
