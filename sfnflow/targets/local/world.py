"""What an execution does outside of itself, on this machine: jobs are processes, S3 is a folder."""

import asyncio
import json
import uuid
from typing import Any, NamedTuple

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.render import JobDefinition
from sfnflow.runtime.folder import FolderStore
from sfnflow.targets.local.execution import Event, StateError, TaskCall
from sfnflow.targets.local.journal import Journal
from sfnflow.targets.local.layout import Layout
from sfnflow.targets.local.store import TERMINATED, Store
from sfnflow.targets.local.warm import Request, WarmPool, WarmStartError


class Execution(NamedTuple):
    """Which execution is run, and where."""

    name: str
    flow: str
    layout: Layout
    slots: int


class _Ended(NamedTuple):
    code: int | None
    reason: str
    final: bool = False


class LocalWorld:
    """Batch and S3 of one execution. `finished` are the places whose task has succeeded before."""

    def __init__(
        self, execution: Execution, store: Store, journal: Journal, pool: WarmPool
    ) -> None:
        self._execution, self._store, self._journal = execution, store, journal
        self._pool = pool
        self._slots = asyncio.Semaphore(execution.slots)
        self._finished = store.finished_places(execution.name)
        self._definitions: dict[str, JobDefinition] = {}

    async def run_task(self, call: TaskCall) -> Json:
        """Runs a Batch job to its end, or reads an object."""
        match call.resource:
            case asl.BATCH_SUBMIT:
                return await self._submit_job(call)
            case asl.S3_GET:
                bucket, key = call.parameters["Bucket"], call.parameters["Key"]
                return {"Body": (await self.read_object(bucket, key)).decode()}
            case _:
                raise StateError(
                    "States.Runtime", f"{call.resource} is not run by the local target"
                )

    async def read_object(self, bucket: str, key: str) -> bytes:
        """Reads from the folder that stands for the bucket."""
        try:
            return self._bucket(bucket).get(key)
        except FileNotFoundError:
            raise StateError("S3.NoSuchKeyException", f"There is no s3://{bucket}/{key}") from None

    async def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Writes to the folder that stands for the bucket."""
        self._bucket(bucket).put(key, body)

    def emit(self, event: Event) -> None:
        """Keeps a history event."""
        self._journal.event(event)

    def _bucket(self, bucket: str) -> FolderStore:
        return FolderStore(self._execution.layout.bucket(bucket))

    async def _submit_job(self, call: TaskCall) -> Json:
        if call.path in self._finished:
            return {"Status": "SUCCEEDED"}
        job = str(uuid.uuid4())
        variables = _variables(call.parameters)
        self._journal.submitted(
            job, call.path, variables["SFNFLOW_STEP"], variables.get("SFNFLOW_PATH", "")
        )
        ended = _Ended(None, TERMINATED)
        try:
            async with self._slots:
                ended = await self._attempts(job, call, variables)
        finally:
            status = "SUCCEEDED" if ended.code == 0 else "FAILED"
            self._journal.ended(job, status, ended.code, ended.reason)
        if ended.code != 0:
            raise StateError("States.TaskFailed", _cause(job, call, ended))
        return {"JobId": job, "Status": "SUCCEEDED"}

    async def _attempts(self, job: str, call: TaskCall, variables: dict[str, str]) -> _Ended:
        definition = self._definition(call.parameters["JobDefinition"])
        ended = _Ended(None, "")
        for attempt in range(1, definition.attempts + 1):
            self._journal.started(job, attempt)
            ended = await self._attempt(job, attempt, call, variables)
            if ended.code == 0 or ended.final:
                break
        return ended

    async def _attempt(
        self, job: str, attempt: int, call: TaskCall, variables: dict[str, str]
    ) -> _Ended:
        definition = self._definition(call.parameters["JobDefinition"])
        layout = self._execution.layout
        folder = layout.package(variables["SFNFLOW_CODE"])
        ids = {"AWS_BATCH_JOB_ID": job, "AWS_BATCH_JOB_ATTEMPT": str(attempt)}
        task = (self._execution.flow, self._execution.name, variables["SFNFLOW_STEP"], job)
        request = Request(
            id=job,
            place=call.path,
            step=variables["SFNFLOW_STEP"],
            path=variables.get("SFNFLOW_PATH", ""),
            variables={**variables, **ids},
            log=str(layout.task_log(*task, attempt - 1)),
            scratch=str(layout.scratch(self._execution.name) / f"{job}-{attempt}"),
        )
        process = self._pool.process(folder, definition.environment)
        try:
            async with asyncio.timeout(definition.timeout_seconds):
                code = await process.run(request)
        except TimeoutError:
            # As Batch does it: a job that took too long is not tried again.
            return _Ended(None, "Job attempt duration exceeded timeout", final=True)
        except WarmStartError as error:
            return _Ended(1, f"The flow could not be loaded: {error}", final=True)
        return _Ended(code, _reason(code))

    def _definition(self, name: str) -> JobDefinition:
        if name not in self._definitions:
            self._definitions[name] = self._store.job_definition(name)
        return self._definitions[name]


def _variables(parameters: Any) -> dict[str, str]:
    entries = parameters["ContainerOverrides"]["Environment"]
    return {entry["Name"]: entry["Value"] for entry in entries}


def _reason(code: int) -> str:
    if code == 0:
        return ""
    if code > 128:
        return f"Killed by signal {code - 128}"
    return f"Exit code {code}"


def _cause(job: str, call: TaskCall, ended: _Ended) -> str:
    return json.dumps(
        {
            "JobId": job,
            "JobName": call.parameters["JobName"],
            "Status": "FAILED",
            "StatusReason": ended.reason,
            "Container": {"ExitCode": ended.code},
        }
    )
