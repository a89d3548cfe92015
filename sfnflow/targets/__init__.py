"""What a target is: where a flow is deployed and its runs live. `local` and `aws` both meet `Target`.

deploy.py and run.py work on these records alone; no command knows which target it talks to.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from sfnflow.asl import StateMachine
from sfnflow.graph import Flow
from sfnflow.package import CodePackage
from sfnflow.render import JobDefinition

# Step Functions' words; INTERRUPTED is a run whose local engine was killed and can be continued.
RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "INTERRUPTED"]
TaskStatus = Literal["RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED"]


class Release(NamedTuple):
    """All that makes a version of a deployed flow. `name` is the state machine's."""

    name: str
    flow: Flow
    machine: StateMachine
    jobs: tuple[JobDefinition, ...]
    package: CodePackage
    token: str
    owner: str


class Deployed(NamedTuple):
    """The live version of a flow."""

    name: str
    version: int
    flow: Flow
    definition: str
    code: str
    token: str
    owner: str
    created: datetime


class Run(NamedTuple):
    """One execution. `id` is Metaflow's run id, `sfn-<execution name>`."""

    id: str
    name: str
    flow: str
    version: int
    status: RunStatus
    started: datetime
    stopped: datetime | None
    error: str
    cause: str


class Task(NamedTuple):
    """One step's work in a run. `id` is its job's; `path` its indices in the foreachs around it.

    `terminated` tasks failed for no fault of theirs: the run was stopped, or another task failed.
    """

    id: str
    step: str
    path: str
    status: TaskStatus
    attempt: int
    exit_code: int | None
    reason: str
    terminated: bool
    started: datetime | None
    stopped: datetime | None


class StepProgress(NamedTuple):
    """How far a step is. `total` is None while a foreach around it has not yet said how many.

    Counts are of tasks; those that a redrive has superseded are in none of them. `caught` are those
    of `done` that failed and let the run go on by `@catch`.
    """

    step: str
    total: int | None
    done: int
    running: int
    failed: int
    terminated: int
    caught: int
    retried: int
    started: datetime | None
    stopped: datetime | None


class LogLine(NamedTuple):
    """A line that a task printed. `stream` is "stdout" or "stderr"."""

    task: Task
    stream: str
    time: datetime | None
    text: str


class Target(Protocol):
    """Where flows are deployed. Every method raises an SfnflowError the user can act on."""

    label: str

    def get_deployed(self, name: str) -> Deployed | None: ...

    def get_token(self, name: str) -> str | None: ...

    def deployed_names(self) -> list[str]: ...

    def holds(self, package: CodePackage) -> bool: ...

    def apply(self, release: Release) -> int: ...

    def delete(self, name: str) -> None: ...

    def put_object(self, key: str, body: bytes) -> None: ...

    def start(self, deployed: Deployed, document: dict[str, Any]) -> Run: ...

    def stop(self, run: Run) -> None: ...

    def redrive(self, run: Run) -> None: ...

    def find_runs(self, prefix: str) -> list[Run]: ...

    def runs(self, name: str, limit: int) -> list[Run]: ...

    def flow_of(self, run: Run) -> Flow: ...

    def progress(self, run: Run) -> list[StepProgress]: ...

    def tasks(self, run: Run, *, step: str | None = None, failed: bool = False) -> list[Task]: ...

    def log_lines(self, run: Run, task: Task, skip: dict[str, int]) -> Iterator[LogLine]: ...

    def metaflow_environment(self) -> dict[str, str]: ...
