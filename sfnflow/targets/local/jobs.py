"""Batch on this machine: a job is a fork, its queue is a number of slots, its attempts are counted."""

import asyncio
import json
import uuid
from typing import Any, NamedTuple

from sfnflow.asl import Json
from sfnflow.render import JobDefinition
from sfnflow.targets.local.execution import StateError, TaskCall
from sfnflow.targets.local.journal import Journal
from sfnflow.targets.local.layout import Layout
from sfnflow.targets.local.record import Record
from sfnflow.targets.local.store import CAUGHT, TERMINATED, Store
from sfnflow.targets.local.warm import Request, WarmPool, WarmStartError


class Execution(NamedTuple):
    """Which execution is run, and where. `halfway` are its jobs that were killed after their task was
    done in Metaflow, by their place: what they lack is the hand-over."""

    name: str
    flow: str
    layout: Layout
    slots: int
    halfway: dict[str, Record]


class _Ended(NamedTuple):
    code: int | None
    reason: str
    final: bool = False


class Jobs:
    """The jobs of one execution."""

    def __init__(
        self, execution: Execution, store: Store, journal: Journal, pool: WarmPool
    ) -> None:
        self._execution, self._store, self._journal = execution, store, journal
        self._pool = pool
        self._slots = asyncio.Semaphore(execution.slots)
        self._finished = store.finished_places(execution.name)
        self._definitions: dict[str, JobDefinition] = {}

    async def submit(self, call: TaskCall) -> Json:
        """Runs a job to its end. StateError when its last attempt fails; nothing for what is done."""
        if call.path in self._finished:
            return {"Status": "SUCCEEDED"}
        variables = _variables(call.parameters)
        halfway = self._execution.halfway.get(call.path)
        if halfway is not None:
            request = self._request(halfway.id, halfway.attempt, call, variables)
            if await self._hand_over(request, call):
                return {"JobId": halfway.id, "Status": "SUCCEEDED"}
        request = self._request(str(uuid.uuid4()), 1, call, variables)
        await self._job(request, call)
        return {"JobId": request.id, "Status": "SUCCEEDED"}

    async def _hand_over(self, request: Request, call: TaskCall) -> bool:
        """Does what a killed job still had to do. Leaves no trace when its task had failed."""
        async with self._slots:
            ended = await self._attempt(_handing_over(request), call)
        if ended.code != 0:
            return False
        self._journal.submitted(request.id, request.place, request.step, request.path)
        self._journal.started(request.id, request.attempt)
        self._journal.ended(request.id, "SUCCEEDED", 0, ended.reason)
        return True

    async def _job(self, request: Request, call: TaskCall) -> None:
        self._journal.submitted(request.id, request.place, request.step, request.path)
        ended = _Ended(None, TERMINATED)
        try:
            async with self._slots:
                ended = await self._attempts(request, call)
        finally:
            status = "SUCCEEDED" if ended.code == 0 else "FAILED"
            self._journal.ended(request.id, status, ended.code, ended.reason)
        if ended.code != 0:
            raise StateError("States.TaskFailed", _cause(request, call, ended))

    async def _attempts(self, request: Request, call: TaskCall) -> _Ended:
        definition = self._definition(call)
        ended = _Ended(None, "")
        for attempt in range(1, definition.attempts + 1):
            self._journal.started(request.id, attempt)
            again = self._request(request.id, attempt, call, _variables(call.parameters))
            ended = await self._attempt(again, call)
            if ended.code == 0 or ended.final:
                break
        return ended

    async def _attempt(self, request: Request, call: TaskCall) -> _Ended:
        definition = self._definition(call)
        folder = self._execution.layout.package(request.variables["SFNFLOW_CODE"])
        process = self._pool.process(folder, definition.environment)
        try:
            async with asyncio.timeout(definition.timeout_seconds):
                ended = await process.run(request)
                if ended.code < 0 and self._is_done(request):
                    ended = await process.run(_handing_over(request))
        except TimeoutError:
            # As Batch does it: a job that took too long is not tried again.
            return _Ended(None, "Job attempt duration exceeded timeout", final=True)
        except WarmStartError as error:
            return _Ended(1, f"The flow could not be loaded: {error}", final=True)
        return _Ended(ended.code, CAUGHT if ended.caught else _reason(ended.code))

    def _request(
        self, job: str, attempt: int, call: TaskCall, variables: dict[str, str]
    ) -> Request:
        name, layout = self._execution.name, self._execution.layout
        step = variables["SFNFLOW_STEP"]
        ids = {"AWS_BATCH_JOB_ID": job, "AWS_BATCH_JOB_ATTEMPT": str(attempt)}
        return Request(
            id=job,
            attempt=attempt,
            place=call.path,
            step=step,
            path=variables.get("SFNFLOW_PATH", ""),
            variables={**variables, **ids},
            log=str(layout.task_log(self._execution.flow, name, step, job, attempt - 1)),
            scratch=str(layout.scratch(name) / f"{job}-{attempt}"),
        )

    def _is_done(self, request: Request) -> bool:
        """Whether a killed job's task was done in Metaflow, so that it must not run again."""
        execution = self._execution
        return execution.layout.done_marker(
            execution.flow, execution.name, request.step, request.id, request.attempt - 1
        ).exists()

    def _definition(self, call: TaskCall) -> JobDefinition:
        name = call.parameters["JobDefinition"]
        if name not in self._definitions:
            self._definitions[name] = self._store.job_definition(name)
        return self._definitions[name]


def _handing_over(request: Request) -> Request:
    return request._replace(
        variables={**request.variables, "SFNFLOW_HAND_OVER": "1"}, scratch=f"{request.scratch}-end"
    )


def _variables(parameters: Any) -> dict[str, str]:
    entries = parameters["ContainerOverrides"]["Environment"]
    return {entry["Name"]: entry["Value"] for entry in entries}


def _reason(code: int) -> str:
    if code == 0:
        return ""
    return f"Killed by signal {-code}" if code < 0 else f"Exit code {code}"


def _cause(request: Request, call: TaskCall, ended: _Ended) -> str:
    return json.dumps(
        {
            "JobId": request.id,
            "JobName": call.parameters["JobName"],
            "Status": "FAILED",
            "StatusReason": ended.reason,
            "Container": {"ExitCode": ended.code},
        }
    )
