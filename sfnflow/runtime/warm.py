"""`python -P -m sfnflow.runtime.warm PACKAGE-FOLDER`: a process that has the flow loaded, and forks.

Metaflow and the flow are imported once; each job is a fork that runs its task and ends. Requests come
as JSON lines on stdin, answers go to what was stdout:

    {"id": job, "variables": {...}, "log": path, "scratch": path, ...}  ->  {"id": job, "code": exit code, ...}
    {"kill": job}

The code of a job that was killed is minus the signal. When stdin ends, so do the process, every job in
it and what the jobs have left behind. A job that has succeeded says so itself in SFNFLOW_DONE_FILE
before it ends, so that a kill of this process, or of the one above, loses nothing that was done.

A flow that must not be forked once it is loaded (runtime.forking) is loaded by each fork instead: the
process starts itself again with `--cold`.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NoReturn

from sfnflow.runtime import exits, forking, process
from sfnflow.runtime.child import Run, run_forked
from sfnflow.runtime.compute import run_everything_here
from sfnflow.runtime.folder import FolderStore
from sfnflow.runtime.host import run_flow_file
from sfnflow.runtime.job import Job, JobRunner
from sfnflow.runtime.server import ForkServer


class _Package:
    """The code package: its manifest, and how its flow is loaded."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with open(os.path.join(folder, "_sfnflow", "manifest.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)
        self.script = os.path.join(folder, self.manifest["script"])

    def runner(self, obj: Any) -> JobRunner:
        """What runs jobs of the flow, given Metaflow's CLI state."""
        store = FolderStore(os.environ["SFNFLOW_LEDGER_FOLDER"])
        return JobRunner(obj, self.manifest, self.folder, store)

    def load_and(self, do: Callable[[Any], None]) -> None:
        """Loads the flow and calls `do` with Metaflow's CLI state."""
        run_flow_file(self.script, self._top_options(), "step", do)

    def _top_options(self) -> list[str]:
        top = ["--quiet", "--no-pylint", "--metadata=local", "--environment=local"]
        top += ["--datastore=local", f"--datastore-root={os.environ['SFNFLOW_DATASTORE_FOLDER']}"]
        configs = os.path.join(self.folder, "_sfnflow", "configs.json")
        if os.path.exists(configs):
            top += ["--local-config-file", configs]
        return top + list(self.manifest["top_options"])


def main(folder: str, cold: bool) -> None:
    """Loads the flow in `folder`, unless it is to be loaded by each job, and serves jobs."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    package = _Package(folder)
    process.adopt_orphans()
    exits.record_handlers()
    forking.watch_seeding()
    run_everything_here()

    def serve(run: Run) -> None:
        _preload()
        # Programs that a job starts must not hold the run's lock; its forks have to.
        os.set_inheritable(int(os.environ["SFNFLOW_LOCK"]), False)
        forking.remember_seed()
        gc.collect()
        gc.freeze()
        ForkServer(partial(_fork, run, folder), requests, answers).serve()

    def serve_loaded(obj: Any) -> None:
        if reason := forking.why_not():
            sys.stderr.write(f"Each task loads the flow anew: {reason}.\n")
            _restart_cold(folder, requests, answers)
        import metaflow.cli_components.step_cmd  # noqa: F401 - needs the flow, or it were preloaded

        serve(package.runner(obj).run)

    def load_and_run(job: Job) -> bool:
        caught: list[bool] = []
        package.load_and(lambda obj: caught.append(package.runner(obj).run(job)))
        return caught[0]

    if cold:
        serve(load_and_run)
    else:
        package.load_and(serve_loaded)


def _fork(
    run: Run, folder: str, request: dict[str, Any], output: tuple[int, int], foreign: Iterable[int]
) -> NoReturn:
    for fd in foreign:
        os.close(fd)
    run_forked(run, request, folder, output)


def _restart_cold(folder: str, requests: int, answers: int) -> NoReturn:
    os.dup2(requests, 0)
    os.dup2(answers, 1)
    command = [sys.executable, "-P", "-m", "sfnflow.runtime.warm", folder, "--cold"]
    os.execv(sys.executable, command)


def _preload() -> None:
    """Imports and look-ups that each job would make again: git, versions, the task machinery."""
    import metaflow.mflog.mflog
    import metaflow.runtime
    import metaflow.task  # noqa: F401
    from metaflow import metaflow_git, metaflow_version

    metaflow_version.get_version()
    metaflow_git.get_repository_info(os.path.dirname(sys.argv[0]))


if __name__ == "__main__":
    main(sys.argv[1], cold="--cold" in sys.argv[2:])
