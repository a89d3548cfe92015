"""Runs an `asl.StateMachine` as Step Functions would, over a World that does all that is outside.

    execute -> the states of a machine, one by one -> a visit of a state -> its attempts (Retry)
            -> a task, the branches of a Parallel, the iterations of a Map -> their states ...

No I/O, no database, no clock but for timeouts and the waits between retries: with the same
definition, input and answers an execution goes the same way, so a World that kept its answers can
replay it.

Errors, history events and limits have Step Functions' names:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import assert_never

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local import paths
from sfnflow.targets.local.concurrency import let_cancellation_win, run_all
from sfnflow.targets.local.execution import (
    DataFlowError,
    Event,
    Outcome,
    StateError,
    Status,
    TaskCall,
    World,
)
from sfnflow.targets.local.frame import Frame, emit, emit_error
from sfnflow.targets.local.map_run import MapRun
from sfnflow.targets.local.paths import Context
from sfnflow.targets.local.retry import catch, next_delay

Sleep = Callable[[float], Awaitable[None]]

_FINAL_EVENTS: dict[Status, str] = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
}


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
            output = await execution.run_states(machine, Frame("", "", input, context))
    except TimeoutError:
        if not limit.expired():
            raise
        cause = f"The execution took longer than its {machine.timeout_seconds} seconds."
        return Outcome("TIMED_OUT", error="States.Timeout", cause=cause)
    except StateError as error:
        return Outcome("FAILED", error=error.error, cause=error.cause)
    return Outcome("SUCCEEDED", output)


_Machine = asl.StateMachine | asl.Branch | asl.ItemProcessor
_Retried = asl.TaskState | asl.ParallelState | asl.MapState


@dataclass(frozen=True, slots=True)
class _Execution:
    world: World
    sleep: Sleep
    arn: str

    async def run_states(self, machine: _Machine, outer: Frame) -> Json:
        """Runs a machine, a branch or an iteration to its end; gives its output."""
        visits: dict[str, int] = {}
        data, name = outer.data, machine.start_at
        while True:
            await asyncio.sleep(0)  # a World that answers at once must not keep the loop for itself
            let_cancellation_win()
            visits[name] = visits.get(name, 0) + 1
            frame = outer.enter(name, visits[name], data)
            try:
                data, following = await self._visit(machine, frame)
            except DataFlowError as error:
                raise error.located(name) from None
            if following is None:
                return data
            name = following

    async def _visit(self, machine: _Machine, frame: Frame) -> tuple[Json, str | None]:
        """Runs one state; gives its output and the name of the next one."""
        state = machine.states.get(frame.state)
        if state is None:
            raise DataFlowError("States.Runtime", "The definition has no such state.")
        emit(self.world, f"{state.type}StateEntered", frame)
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
        emit(self.world, f"{state.type}StateExited", frame)
        return data, following

    async def _persist(self, state: _Retried, frame: Frame) -> tuple[Json, str | None]:
        """Tries a state as often as its Retry allows, then follows its Catch."""
        retries = [0] * len(state.retry)
        attempt = 1
        while True:
            try:
                return await self._attempt(state, frame, attempt), state.next
            except StateError as raised:
                let_cancellation_win()
                error = raised.located(frame.state)
                delay = next_delay(state.retry, retries, error)
                if delay is None:
                    return catch(state.catch, frame.data, error)
            except asyncio.CancelledError:
                emit(self.world, f"{state.type}StateAborted", frame)
                raise
            await self.sleep(delay)
            frame = frame.retried(attempt)
            attempt += 1

    async def _attempt(self, state: _Retried, frame: Frame, attempt: int) -> Json:
        inner = replace(frame, data=frame.read(state.input_path))
        match state:
            case asl.TaskState():
                result = await self._task(state, inner, attempt)
            case asl.ParallelState():
                result = await self._parallel(state, inner.anew(attempt))
            case asl.MapState():
                run = MapRun(state, inner.anew(attempt), self.world, self.arn, self.run_states)
                result = await run.run()
            case _:
                assert_never(state)
        if state.result_path is None:
            return frame.read(state.output_path)
        if state.result_selector is not None:
            result = paths.fill(state.result_selector, result, frame.context)
        output = paths.place(state.result_path, frame.data, result)
        return paths.read(state.output_path, output, frame.context)

    async def _task(self, state: asl.TaskState, frame: Frame, attempt: int) -> Json:
        parameters = frame.data if state.parameters is None else frame.fill(state.parameters)
        resource = asl.integration_name(state.resource)
        emit(self.world, "TaskScheduled", frame, {"resource": resource})
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
            emit_error(self.world, "TaskTimedOut", frame, error)
            raise error from None
        except StateError as error:
            emit_error(self.world, "TaskFailed", frame, error)
            raise
        emit(self.world, "TaskSucceeded", frame)
        return result

    async def _parallel(self, state: asl.ParallelState, frame: Frame) -> list[Json]:
        emit(self.world, "ParallelStateStarted", frame)
        try:
            results = await run_all(
                self.run_states(branch, frame.branch(number))
                for number, branch in enumerate(state.branches)
            )
        except StateError as error:
            emit_error(self.world, "ParallelStateFailed", frame, error)
            raise
        emit(self.world, "ParallelStateSucceeded", frame)
        return results


def _pass(state: asl.PassState, frame: Frame) -> Json:
    result = frame.read(state.input_path)
    if "result" in state.model_fields_set:
        result = state.result
    elif state.parameters is not None:
        result = paths.fill(state.parameters, result, frame.context)
    output = paths.place(state.result_path, frame.data, result)
    return paths.read(state.output_path, output, frame.context)


def _choose(state: asl.ChoiceState, frame: Frame) -> str:
    for rule in state.choices:
        if frame.read(rule.variable) == rule.string_equals:
            return rule.next
    if state.default is None:
        raise DataFlowError("States.NoChoiceMatched", "No rule matches, and there is no Default.")
    return state.default
