"""Runs an `asl.StateMachine` as Step Functions would, over a World that does all that is outside.

    execute -> the states of a machine, one by one -> a visit of a state -> its attempts (Retry)
            -> a task, the branches of a Parallel, the iterations of a Map -> their states ...

No I/O, no database, no clock but for timeouts and the waits between retries: with the same
definition, input and answers an execution goes the same way, so a World that kept its answers can
replay it. A place in an execution has a path:

    /start each[3]/work    the state `work` of the fourth iteration
    /fork[0]/left          a state of the first branch
    /again#2               the second visit of a state that is looped back to
    /fork~2[0]/left        a branch that runs anew because the Parallel (or Map) itself was retried

Errors, history events and limits have Step Functions' names:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar, assert_never

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local import paths
from sfnflow.targets.local.paths import Context, DataFlowError, StateError

T = TypeVar("T")
Status = Literal["SUCCEEDED", "FAILED", "TIMED_OUT"]
Sleep = Callable[[float], Awaitable[None]]

ITEM_READER = "s3:getObject"
RESULT_WRITER = "s3:putObject"

_TASKS = (asl.BATCH_SUBMIT, asl.S3_GET)
_CONCURRENCY = {"INLINE": 40, "DISTRIBUTED": 10_000}
_FINAL_EVENTS: dict[Status, str] = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
}


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One try of a Task. `path` and `attempt` name it, and are the same on every replay."""

    path: str
    state: str
    resource: str
    parameters: Json
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """A history event. Its path and state are empty when it is about the execution itself."""

    type: str
    path: str = ""
    state: str = ""
    details: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    output: Json = None
    error: str = ""
    cause: str = ""


class World(Protocol):
    """What surrounds an execution.

    The calls fail with a StateError; any other exception is a bug and ends `execute` as it is. They
    are cancelled when a sibling fails, a timeout is over or the execution is stopped: what they
    started must have ended when their CancelledError comes out. JSON they are given is shared: they
    must not modify it.
    """

    async def run_task(self, call: TaskCall) -> Json: ...

    async def read_object(self, bucket: str, key: str) -> bytes: ...

    async def write_object(self, bucket: str, key: str, body: bytes) -> None: ...

    def emit(self, event: Event) -> None: ...


async def execute(
    machine: asl.StateMachine,
    *,
    name: str,
    arn: str,
    input: Json,
    started: str,
    world: World,
    sleep: Sleep = asyncio.sleep,
) -> Outcome:
    """Runs a whole execution. `arn` is the execution's own. Cancel it to stop the execution."""
    world.emit(Event("ExecutionStarted"))
    prefix, _, resource = arn.partition(":execution:")
    machine_name = resource.partition(":")[0]
    context = {
        "Execution": {"Id": arn, "Input": input, "Name": name, "StartTime": started},
        "StateMachine": {"Id": f"{prefix}:stateMachine:{machine_name}", "Name": machine_name},
    }
    try:
        outcome = await _bounded(machine, _Execution(world, sleep, arn), input, context)
    except asyncio.CancelledError:
        world.emit(Event("ExecutionAborted"))
        raise
    details = {"error": outcome.error, "cause": outcome.cause} if outcome.error else {}
    world.emit(Event(_FINAL_EVENTS[outcome.status], details=details))
    return outcome


async def _bounded(
    machine: asl.StateMachine, execution: "_Execution", input: Json, context: Context
) -> Outcome:
    try:
        async with asyncio.timeout(machine.timeout_seconds) as limit:
            output = await execution.run_states(machine, _Frame("", "", input, context))
    except TimeoutError:
        if not limit.expired():
            raise
        cause = f"The execution took longer than its {machine.timeout_seconds} seconds."
        return Outcome("TIMED_OUT", error="States.Timeout", cause=cause)
    except StateError as error:
        return Outcome("FAILED", error=error.error, cause=error.cause)
    return Outcome("SUCCEEDED", output)


def check_supported(machine: asl.StateMachine) -> list[str]:
    """Names every construct of a definition that would be refused when it is run."""
    return [
        f"state '{name}': {what}"
        for name, state in asl.walk_states(machine.states)
        for what in _unsupported(state)
    ]


def _unsupported(state: asl.State) -> Iterator[str]:
    match state:
        case asl.TaskState():
            yield from _unsupported_resource(state.resource, *_TASKS)
            yield from _unsupported_flow(state, [state.parameters, state.result_selector])
        case asl.ParallelState():
            yield from _unsupported_flow(state, [state.result_selector])
        case asl.MapState():
            yield from _unsupported_map(state)
        case asl.PassState():
            yield from paths.unsupported(
                reads=[state.input_path, state.output_path],
                targets=[state.result_path],
                templates=[state.parameters],
            )
        case asl.ChoiceState():
            yield from paths.unsupported(reads=[rule.variable for rule in state.choices])
        case asl.SucceedState() | asl.FailState():
            pass
        case _:
            assert_never(state)


def _unsupported_map(state: asl.MapState) -> Iterator[str]:
    templates: list[Json] = [state.item_selector, state.result_selector]
    if reader := state.item_reader:
        yield from _unsupported_resource(reader.resource, ITEM_READER)
        templates.append(reader.parameters)
        if state.items_path != "$":
            yield "ItemsPath beside an ItemReader is not run by the local target"
    if writer := state.result_writer:
        yield from _unsupported_resource(writer.resource, RESULT_WRITER)
        templates.append(writer.parameters)
    yield from paths.unsupported(reads=[state.items_path])
    yield from _unsupported_flow(state, templates)


def _unsupported_flow(state: "_Retried", templates: Iterable[Json]) -> Iterator[str]:
    yield from paths.unsupported(
        reads=[state.input_path, state.output_path],
        targets=[state.result_path, *(catcher.result_path for catcher in state.catch)],
        templates=templates,
    )


def _unsupported_resource(resource: str, *supported: str) -> Iterator[str]:
    if _integration(resource) not in supported:
        yield f"the resource '{resource}' is not run by the local target"


def _integration(resource: str) -> str:
    """`batch:submitJob.sync` of `arn:aws:states:::batch:submitJob.sync`, in any partition."""
    _, separator, name = resource.partition(":states:::")
    return name if separator else resource


_Machine = asl.StateMachine | asl.Branch | asl.ItemProcessor
_Retried = asl.TaskState | asl.ParallelState | asl.MapState


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where in the execution we are, the data that flows there, and the context object it sees."""

    state: str
    path: str
    data: Json
    context: Context

    def read(self, path: str | None) -> Json:
        return paths.read(path, self.data, self.context)

    def fill(self, template: Json) -> Json:
        return paths.fill(template, self.data, self.context)

    def enter(self, state: str, visit: int, data: Json) -> "_Frame":
        path = f"{self.path}/{state}" if visit == 1 else f"{self.path}/{state}#{visit}"
        return _Frame(state, path, data, _in_state(self.context, state, 0))


@dataclass(frozen=True, slots=True)
class _Execution:
    world: World
    sleep: Sleep
    arn: str

    def emit(self, type: str, at: _Frame, details: dict[str, Json] | None = None) -> None:
        self.world.emit(Event(type, at.path, at.state, details or {}))

    def emit_error(self, type: str, at: _Frame, error: StateError) -> None:
        self.emit(type, at, {"error": error.error, "cause": error.cause})

    async def run_states(self, machine: _Machine, outer: _Frame) -> Json:
        """Runs a machine, a branch or an iteration to its end; gives its output."""
        visits: dict[str, int] = {}
        data, name = outer.data, machine.start_at
        while True:
            await asyncio.sleep(0)  # a World that answers at once must not keep the loop for itself
            _let_cancellation_win()
            visits[name] = visits.get(name, 0) + 1
            frame = outer.enter(name, visits[name], data)
            try:
                data, following = await self._visit(machine, frame)
            except DataFlowError as error:
                raise _located(error, name) from None
            if following is None:
                return data
            name = following

    async def _visit(self, machine: _Machine, frame: _Frame) -> tuple[Json, str | None]:
        """Runs one state; gives its output and the name of the next one."""
        state = machine.states.get(frame.state)
        if state is None:
            raise DataFlowError("States.Runtime", "The definition has no such state.")
        self.emit(f"{state.type}StateEntered", frame)
        data, following = frame.data, None
        match state:
            case asl.TaskState() | asl.ParallelState() | asl.MapState():
                data, following = await self._persist(state, frame)
            case asl.PassState():
                data, following = _pass(state, frame), state.next
            case asl.ChoiceState():
                following = _choose(state, frame)
            case asl.SucceedState():
                pass
            case asl.FailState():
                raise StateError(state.error, state.cause)
            case _:
                assert_never(state)
        self.emit(f"{state.type}StateExited", frame)
        return data, following

    async def _persist(self, state: _Retried, frame: _Frame) -> tuple[Json, str | None]:
        """Tries a state as often as its Retry allows, then follows its Catch."""
        retries = [0] * len(state.retry)
        attempt = 1
        while True:
            try:
                return await self._attempt(state, frame, attempt), state.next
            except StateError as raised:
                _let_cancellation_win()
                error = _located(raised, frame.state)
                delay = _next_delay(state.retry, retries, error)
                if delay is None:
                    return _catch(state.catch, frame.data, error)
            except asyncio.CancelledError:
                self.emit(f"{state.type}StateAborted", frame)
                raise
            await self.sleep(delay)
            frame = replace(frame, context=_in_state(frame.context, frame.state, attempt))
            attempt += 1

    async def _attempt(self, state: _Retried, frame: _Frame, attempt: int) -> Json:
        inner = replace(frame, data=frame.read(state.input_path))
        match state:
            case asl.TaskState():
                result = await self._task(state, inner, attempt)
            case asl.ParallelState():
                result = await self._parallel(state, _again(inner, attempt))
            case asl.MapState():
                result = await self._map(state, _again(inner, attempt))
            case _:
                assert_never(state)
        if state.result_path is None:
            return frame.read(state.output_path)
        if state.result_selector is not None:
            result = paths.fill(state.result_selector, result, frame.context)
        output = paths.place(state.result_path, frame.data, result)
        return paths.read(state.output_path, output, frame.context)

    async def _task(self, state: asl.TaskState, frame: _Frame, attempt: int) -> Json:
        parameters = frame.data if state.parameters is None else frame.fill(state.parameters)
        resource = _integration(state.resource)
        self.emit("TaskScheduled", frame, {"resource": resource})
        try:
            async with asyncio.timeout(state.timeout_seconds) as limit:
                result = await self.world.run_task(
                    TaskCall(frame.path, frame.state, resource, parameters, attempt)
                )
        except TimeoutError:
            if not limit.expired():
                raise
            cause = f"The task took longer than its {state.timeout_seconds} seconds."
            error = StateError("States.Timeout", cause)
            self.emit_error("TaskTimedOut", frame, error)
            raise error from None
        except StateError as error:
            self.emit_error("TaskFailed", frame, error)
            raise
        self.emit("TaskSucceeded", frame)
        return result

    async def _parallel(self, state: asl.ParallelState, frame: _Frame) -> list[Json]:
        self.emit("ParallelStateStarted", frame)
        try:
            results = await _all(
                self.run_states(branch, replace(frame, path=f"{frame.path}[{number}]"))
                for number, branch in enumerate(state.branches)
            )
        except StateError as error:
            self.emit_error("ParallelStateFailed", frame, error)
            raise
        self.emit("ParallelStateSucceeded", frame)
        return results

    async def _map(self, state: asl.MapState, frame: _Frame) -> Json:
        try:
            items = await self._items(state, frame)
            self.emit("MapStateStarted", frame, {"length": len(items)})
            results: Json = await self._iterations(state, frame, items)
            if state.result_writer is not None:
                results = await self._write_manifest(state.result_writer, frame)
        except StateError as error:
            self.emit_error("MapStateFailed", frame, error)
            raise
        self.emit("MapStateSucceeded", frame)
        return results

    async def _items(self, state: asl.MapState, frame: _Frame) -> list[Json]:
        if state.item_reader is not None:
            return await self._read_items(state.item_reader, frame)
        items = frame.read(state.items_path)
        if not isinstance(items, list):
            cause = f"Reference path '{state.items_path}' must point to an array."
            raise DataFlowError("States.Runtime", cause)
        return items

    async def _read_items(self, reader: asl.ItemReader, frame: _Frame) -> list[Json]:
        parameters = frame.fill(reader.parameters)
        bucket, key = parameters["Bucket"], parameters["Key"]
        body = await self.world.read_object(bucket, key)
        try:
            items = json.loads(body)
        except ValueError as error:
            cause = f"s3://{bucket}/{key} is not JSON: {error}"
            raise DataFlowError("States.ItemReaderFailed", cause) from None
        if not isinstance(items, list):
            cause = f"s3://{bucket}/{key} does not hold an array."
            raise DataFlowError("States.ItemReaderFailed", cause)
        return items

    async def _iterations(
        self, state: asl.MapState, frame: _Frame, items: list[Json]
    ) -> list[Json]:
        """Runs every item, as many at once as may be. Results that nobody reads are not kept."""
        kept = state.result_writer is None and state.result_path is not None
        results: list[Json] = [None] * len(items) if kept else []
        todo = iter(enumerate(items))

        async def work() -> None:
            for index, item in todo:
                result = await self._iteration(state, frame, index, item)
                if kept:
                    results[index] = result

        most = state.max_concurrency or _CONCURRENCY[state.item_processor.processor_config.mode]
        await _all(work() for _ in range(min(most, len(items))))
        return results

    async def _iteration(self, state: asl.MapState, outer: _Frame, index: int, item: Json) -> Json:
        distributed = state.item_processor.processor_config.mode == "DISTRIBUTED"
        context = {**outer.context, "Map": {"Item": {"Index": index, "Value": item}}}
        frame = _Frame(outer.state, f"{outer.path}[{index}]", item, context)
        self.emit("MapIterationStarted", frame, {"index": index})
        try:
            if state.item_selector is not None:
                item = paths.fill(state.item_selector, outer.data, context)
                frame = replace(frame, data=item)
            if distributed:
                frame = replace(frame, context=self._child_context(frame))
            result = await self.run_states(state.item_processor, frame)
        except StateError as raised:
            error = _located(raised, frame.state)
            self.emit("MapIterationFailed", frame, {"index": index, "error": error.error})
            raise (_over_threshold(index, error) if distributed else error) from None
        except asyncio.CancelledError:
            self.emit("MapIterationAborted", frame, {"index": index})
            raise
        self.emit("MapIterationSucceeded", frame, {"index": index})
        return result

    def _child_context(self, frame: _Frame) -> Context:
        """A distributed iteration is an execution of its own; of its parent it has its item."""
        name = self._stable_id(frame)
        execution = {
            "Id": self._derived_arn("execution", frame, name),
            "Input": frame.data,
            "Name": name,
            "StartTime": frame.context["Execution"]["StartTime"],
        }
        return {"Execution": execution, "StateMachine": frame.context["StateMachine"]}

    async def _write_manifest(self, writer: asl.ResultWriter, frame: _Frame) -> Json:
        """The object that tells where the results are; nobody reads them, so it lists none."""
        parameters = frame.fill(writer.parameters)
        run_id = self._stable_id(frame)
        prefix = parameters.get("Prefix", "").rstrip("/")
        bucket, key = parameters["Bucket"], f"{prefix}/{run_id}/manifest.json".lstrip("/")
        arn = self._derived_arn("mapRun", frame, run_id)
        manifest = {
            "DestinationBucket": bucket,
            "MapRunArn": arn,
            "ResultFiles": {"FAILED": [], "PENDING": [], "SUCCEEDED": []},
        }
        await self.world.write_object(bucket, key, json.dumps(manifest).encode())
        return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

    def _stable_id(self, frame: _Frame) -> str:
        """Random in Step Functions; here the same on every replay."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.arn + frame.path))

    def _derived_arn(self, kind: str, frame: _Frame, name: str) -> str:
        prefix, _, resource = self.arn.partition(":execution:")
        label = "".join(filter(str.isalnum, frame.state))
        return f"{prefix}:{kind}:{resource.partition(':')[0]}/{label}:{name}"


def _in_state(context: Context, state: str, retries: int) -> Context:
    return {**context, "State": {"Name": state, "RetryCount": retries}}


def _again(frame: _Frame, attempt: int) -> _Frame:
    return frame if attempt == 1 else replace(frame, path=f"{frame.path}~{attempt}")


def _pass(state: asl.PassState, frame: _Frame) -> Json:
    result = frame.read(state.input_path)
    if "result" in state.model_fields_set:
        result = state.result
    elif state.parameters is not None:
        result = paths.fill(state.parameters, result, frame.context)
    output = paths.place(state.result_path, frame.data, result)
    return paths.read(state.output_path, output, frame.context)


def _choose(state: asl.ChoiceState, frame: _Frame) -> str:
    for rule in state.choices:
        if frame.read(rule.variable) == rule.string_equals:
            return rule.next
    if state.default is None:
        raise DataFlowError("States.NoChoiceMatched", "No rule matches, and there is no Default.")
    return state.default


def _located(error: StateError, state: str) -> StateError:
    """Adds the state to an error of the interpreter, once; a task's own error stays as it is."""
    if not isinstance(error, DataFlowError):
        return error
    where = f"An error occurred while executing the state '{state}'."
    return StateError(error.error, f"{where} {error.cause}")


def _over_threshold(index: int, error: StateError) -> StateError:
    """What Step Functions makes of a child's failure; the reason, that it keeps quiet, is added."""
    cause = "The specified tolerated failure threshold was exceeded."
    reason = f"Item {index} failed with {error.error}: {error.cause}"
    return StateError("States.ExceedToleratedFailureThreshold", f"{cause} {reason}")


def _matches(names: tuple[str, ...], error: str) -> bool:
    if error == "States.Runtime":
        return False
    if error in names:
        return True
    if error == "States.DataLimitExceeded":
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def _next_delay(
    retriers: tuple[asl.Retrier, ...], retries: list[int], error: StateError
) -> float | None:
    """How long to wait before the next try, or None. Counts it in `retries`, one a retrier."""
    for number, retrier in enumerate(retriers):
        if _matches(retrier.error_equals, error.error):
            if retries[number] >= retrier.max_attempts:
                return None
            delay = retrier.interval_seconds * retrier.backoff_rate ** retries[number]
            retries[number] += 1
            if retrier.max_delay_seconds is not None:
                delay = min(delay, retrier.max_delay_seconds)
            return random.uniform(0, delay) if retrier.jitter_strategy == "FULL" else delay
    return None


def _catch(
    catchers: tuple[asl.Catcher, ...], data: Json, error: StateError
) -> tuple[Json, str | None]:
    for catcher in catchers:
        if _matches(catcher.error_equals, error.error):
            description = {"Error": error.error, "Cause": error.cause}
            return paths.place(catcher.result_path, data, description), catcher.next
    raise error


async def _all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs them at once. A failure cancels the others, waits until they ended, and is raised."""
    # No TaskGroup: up to Python 3.12 one that failed leaves its parent marked as being cancelled,
    # which breaks the timeouts around it.
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: list["asyncio.Task[T]"]) -> None:
    for task in tasks:
        task.cancel()
    while running := [task for task in tasks if not task.done()]:
        with contextlib.suppress(asyncio.CancelledError):  # cancelled again: they still must end
            await asyncio.wait(running)


def _let_cancellation_win() -> None:
    """A stop or timeout outranks an error that comes with it: no Retry or Catch may undo it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
